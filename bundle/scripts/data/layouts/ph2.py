"""PH2 as its authors publish it, as sections of labelled items."""

from __future__ import annotations

from pathlib import Path

from scripts.errors import BundleError

from .busi import Sections
from .splitting import split_groups

PH2_TABLE, PH2_IMAGES = "PH2_dataset.txt", "PH2 Dataset images"
#: The clinical diagnosis in the table: 0 a common, 1 an atypical nevus, 2 a melanoma.
PH2_DIAGNOSES = {"0": "benign", "1": "benign", "2": "malignant"}


def is_ph2(folder: Path) -> bool:
    """Whether a folder holds ``PH2_dataset.txt``."""
    return (folder / PH2_TABLE).is_file()


def ph2_sections(folder: Path) -> Sections:
    """PH2: ``PH2_dataset.txt`` and, in ``PH2 Dataset images/<id>/``, ``<id>_Dermoscopic_Image/<id>.bmp`` and
    ``<id>_lesion/<id>_lesion.bmp``.

    Args:
        folder: the folder that holds the table.

    Returns:
        Sections ``training`` and ``validation``, a quarter of each class; each image is a group of its own.

    Raises:
        BundleError: the table lists no image, or one with another diagnosis.
    """
    lines = (folder / PH2_TABLE).read_text(encoding="utf-8-sig").splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("||")] for line in lines if "||" in line]
    names = next((row for row in rows if "Clinical Diagnosis" in row), [])
    column = names.index("Clinical Diagnosis") if names else 0
    items = []
    for row in rows:
        if not row[0].startswith("IMD"):
            continue
        name, diagnosis = row[0], PH2_DIAGNOSES.get(row[column] if column < len(row) else "")
        if diagnosis is None:
            raise BundleError(f'{folder.name}/{PH2_TABLE} has no clinical diagnosis of "{name}". Use the public one.')
        items.append(
            {
                "image": f"{PH2_IMAGES}/{name}/{name}_Dermoscopic_Image/{name}.bmp",
                "label": [f"{PH2_IMAGES}/{name}/{name}_lesion/{name}_lesion.bmp"],
                "diagnosis": diagnosis,
                "group": name,
            }
        )
    if not items:
        raise BundleError(f"{folder.name}/{PH2_TABLE} lists no image. Use the authors' table.")
    return split_groups(items)
