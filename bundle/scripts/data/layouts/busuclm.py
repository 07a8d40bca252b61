"""BUS-UCLM as its authors publish it, as sections of labelled items."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections import Counter
from functools import lru_cache
from pathlib import Path

from scripts.data.image_size import image_size
from scripts.errors import BundleError

from .busi import Sections

logger = logging.getLogger(__name__)

BUSUCLM_TABLE = "INFO.csv"
BUSUCLM_COLUMNS = ("Image", "Label", "Doppler", "Combined")
#: Patients by the first letters of their files; all others stay untouched for a final test.
BUSUCLM_PATIENTS = {
    "training": (
        "ALWI ANAT ASSC CHVI CODE COPE COST CRCI ELCO HUBL NIRO ORPE PAGY PLBA RARE STSP TOCI WAQU"
    ).split(),
    "validation": "COVA KIFO OSCU POFR SECH SHST SIBA".split(),
}


@lru_cache(maxsize=8)
def busuclm_sections(folder: Path) -> Sections:
    """BUS-UCLM: ``INFO.csv`` (semicolons, a byte order mark) with ``images/<file>`` and ``masks/<file>``.

    Masks are RGB, green where benign, red where malignant, black elsewhere; all that is not black is lesion. Frames
    that teach no B-mode image of one patient are left out, and counted in the log: Doppler frames, frames of two
    pictures side by side (``Combined``), frames whose mask has another size, and frames that are repeated, byte by
    byte, under another patient's name.

    Args:
        folder: the folder that holds ``INFO.csv``.

    Returns:
        Sections ``training``, ``validation`` and ``test`` by patient; the group is the patient.

    Raises:
        BundleError: the table lacks a column, or a file that it lists is missing.
    """
    with open(folder / BUSUCLM_TABLE, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file, delimiter=";")
        rows = [{name.strip(): (value or "").strip() for name, value in row.items() if name} for row in table]
    missing = [name for name in BUSUCLM_COLUMNS if rows and name not in rows[0]]
    if missing:
        raise BundleError(f"{folder.name}/{BUSUCLM_TABLE} lacks the column {missing[0]}. Use the authors' table.")
    sections: Sections = {"training": [], "validation": [], "test": []}
    owners: dict[str, str] = {}
    left_out: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: row["Image"]):
        name, patient = row["Image"], row["Image"].split("_")[0]
        fault = _fault(folder, row) or _repetition(folder, name, patient, owners)
        if fault:
            left_out[fault] += 1
            continue
        section = next((name for name, patients in BUSUCLM_PATIENTS.items() if patient in patients), "test")
        sections[section].append(
            {
                "image": f"images/{name}",
                "label": [f"masks/{name}"],
                "diagnosis": row["Label"].lower(),
                "group": patient,
            }
        )
    for fault, count in left_out.items():
        logger.info("%s: left out %d %s", folder.name, count, fault)
    return sections


def _fault(folder: Path, row: dict[str, str]) -> str:
    for column, fault in (("Doppler", "Doppler frames"), ("Combined", "frames of two pictures")):
        if row[column].lower() in ("yes", "y", "1", "true"):
            return fault
    files = [folder / part / row["Image"] for part in ("images", "masks")]
    for file in files:
        if not file.is_file():
            raise BundleError(
                f'{folder.name}/{BUSUCLM_TABLE} lists "{row["Image"]}", but there is no '
                f"{file.parent.name}/{file.name}. Download the set again."
            )
    return "" if image_size(files[0]) == image_size(files[1]) else "frames whose mask has another size"


def _repetition(folder: Path, name: str, patient: str, owners: dict[str, str]) -> str:
    """Whether another patient has the same frame; remembers whose it is, by digest."""
    owner = owners.setdefault(hashlib.sha256((folder / "images" / name).read_bytes()).hexdigest(), patient)
    return "" if owner == patient else "frames repeated under another patient's name"
