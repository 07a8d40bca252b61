"""report.html of a run: written at its end, or later by ``python -m scripts.inference.html_report OUT``."""

from __future__ import annotations

import json
import posixpath
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import UnidentifiedImageError

from scripts.errors import BundleError, report_errors_in_one_sentence
from scripts.results.html import Overview, PageRow, page_parts
from scripts.results.html.pictures import copy_picture
from scripts.switches import is_on
from scripts.writing.files import whole_file

from .strips import strip_path
from .tables.lesions import LesionsByRow
from .tables.predictions import PredictionTable, read_table, table_columns

#: What the page is called, and the folder of its pictures where it tells no names.
REPORT, PICTURES = "report.html", "report_pictures"
_FILES = {
    "o": "overlays/{}.png", "m": "masks/{}.png", "e": "evidence/{}.png",
    "g": "dicom_seg/{}.dcm", "s": "dicom_sr/{}.dcm",
}  # fmt: skip
_SIZE = ("area_px", "area_mm2", "long_axis_mm", "short_axis_mm")
#: Columns of lesions.csv that are names of files or name a patient's object.
_IDENTIFYING = ("input", "sop_instance_uid", "mask", "overlay", "study")


def write_report(output_dir: Path, summary: Mapping[str, Any], names: bool = True) -> Path:
    """Write report.html from predictions.csv, and from lesions.csv and studies.csv where there are such tables.

    Args:
        output_dir: of the run.
        summary: its summary.json.
        names: tell names of files. Otherwise images are called by their rows, pictures are numbered copies without
            captions, and there are no links to files that tell a name or a patient.

    Returns:
        The page's path.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    probability = summary["site"]["probability"]
    table = PredictionTable(output_dir / "predictions.csv", table_columns(probability))
    shutil.rmtree(output_dir / PICTURES, ignore_errors=True)
    with whole_file(output_dir / REPORT) as file:
        for part in page_parts(_overview(table, summary, names), _page_rows(table, output_dir, probability, names)):
            file.write(part)
    return output_dir / REPORT


def _overview(table: PredictionTable, summary: Mapping[str, Any], names: bool) -> Overview:
    diagnoses: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    inputs, doubtful, before = 0, 0, None
    for row in table.rows():
        notes = [note.split()[0] for note in row["reason"].split("; ") if note]
        # What is skipped or failed has one reason, the first; the notes after it were made while it was read.
        reasons.update((row["status"], code) for code in (notes if row["status"] == "ok" else notes[:1]))
        if row["status"] == "ok":
            diagnoses[row["diagnosis"]] += 1
            doubtful += row["indeterminate"] == "true"
            inputs += row["input"] != before  # frames and regions of a file follow each other
            before = row["input"]
    grave = ("failed", "skipped", "ok")
    ordered = sorted(reasons.items(), key=lambda pair: (grave.index(pair[0][0]), -pair[1]))
    site = summary["site"]
    by_weight = sorted(diagnoses, key=lambda name: (name != site.get("positive"), name == site.get("none"), name))
    counts = {name: diagnoses[name] for name in by_weight}
    return Overview(summary, names, counts, doubtful, dict(ordered), inputs)


def _page_rows(table: PredictionTable, root: Path, probability: str, names: bool) -> Iterator[PageRow]:
    lesions, studies, numbers = LesionsByRow(root / "lesions.csv"), _Studies(root / "studies.csv"), {}
    for number, (row, alone) in enumerate(_with_siblings(table.rows()), 1):
        stem = row["mask"].removeprefix("masks/").removesuffix(".png")
        files = "".join(letter for letter, path in _FILES.items() if stem and (root / path.format(stem)).is_file())
        strip = "" if alone or not stem else strip_path(row)
        study, name = studies.name(row["input"]), _called(row, alone)
        of_row = lesions.of(row) if row["lesion_found"] == "true" else []
        disagree = studies.disagree(row["input"])
        if not names:
            numbers.setdefault(study, len(numbers) + 1)
            # Whatever columns a table may get: a cell that holds the name of the file is none to show.
            of_row = [
                {key: cell for key, cell in one.items() if key not in _IDENTIFYING and stem not in cell}
                for one in of_row
            ]
            stem, name, study = f"{number:06d}", f"Image {number}", f"Study {numbers[study]}" if study else ""
            files = "p" if "o" in files and _copied(root, row["overlay"], stem) else ""
            strip = ""
        yield PageRow(
            number, name, study, row["status"], row["reason"], row["diagnosis"], _number(row[probability]),
            row["indeterminate"] == "true" if row["indeterminate"] else None, _number(row["reliability"]),
            tuple(_number(row[column]) for column in _SIZE), disagree, stem, files, of_row,
            strip if strip and (root / strip).is_file() else "",
        )  # fmt: skip


class _Studies:
    """What studies.csv says of the study of an input; where it is of no study but its own, its folder is shown."""

    def __init__(self, path: Path) -> None:
        self._of: dict[str, str] = {}
        self._disagreeing: set[str] = set()
        for row in read_table(path):
            if row.get("input"):
                self._of[row["input"]] = row["study"]
            elif row.get("views_disagree") == "true":
                self._disagreeing.add(row["study"])

    def name(self, input_: str) -> str:
        """The study's UID, or the folder."""
        study = self._of.get(input_, input_)
        return posixpath.dirname(input_) if study == input_ or study.endswith("/") else study

    def disagree(self, input_: str) -> bool:
        """Whether its views do."""
        return self._of.get(input_) in self._disagreeing


def _copied(root: Path, overlay: str, stem: str) -> bool:
    try:
        copy_picture(root / overlay, root / PICTURES / f"{stem}.jpg")
    except (FileNotFoundError, UnidentifiedImageError, SyntaxError):
        return False
    return True


def _with_siblings(rows: Iterable[dict[str, str]]) -> Iterator[tuple[dict[str, str], bool]]:
    """Each row, and whether it is the only image of its file; one file's rows are in memory at a time."""
    for _, of_file in groupby(rows, key=lambda row: row["input"]):
        together = list(of_file)
        yield from ((row, len(together) == 1) for row in together)


def _called(row: Mapping[str, str], alone: bool) -> str:
    """The input; of several images in one file, also which."""
    if alone:
        return row["input"]
    return f"{row['input']}, frame {row['frame']}" + (f", region {row['region']}" if row["region"] else "")


def _number(text: str) -> float | None:
    return float(text) if text else None


def main() -> None:
    """Write the page of the folder named on the command line."""
    report_errors_in_one_sentence()
    usage = "Name the one folder of results: python -m scripts.inference.html_report OUT [--report_names false]"
    arguments, names = sys.argv[1:], True
    if len(arguments) == 3 and arguments[1] == "--report_names":
        names = is_on(arguments[2])
    elif len(arguments) != 1:
        raise BundleError(usage)
    output_dir, summary = Path(arguments[0]), {}
    with suppress(OSError, ValueError):
        summary = json.loads((output_dir / "summary.json").read_text(encoding="utf-8"))
    if not isinstance(summary, dict) or "counts" not in summary or not isinstance(summary.get("site"), dict):
        raise BundleError(f'"{output_dir}" holds no results. Run inference with --output_dir {output_dir} first.')
    try:
        print(write_report(output_dir, summary, names))
    except OSError as error:
        raise BundleError(f'"{output_dir}" cannot be written ({error.strerror}). Make it writable first.') from None


if __name__ == "__main__":
    main()
