"""predictions.csv: rows in input order, each appended whole, readable after any crash."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.writing.files import append_whole, write_whole

COLUMNS = (
    "input frame region sop_instance_uid status reason lesion_found diagnosis malignancy_probability indeterminate "
    "reliability area_px area_mm2 long_axis_mm short_axis_mm mask overlay"
).split()

#: input, frame, region as they stand in the file.
RowKey = tuple[str, str, str]


def row_key(item: Mapping[str, Any]) -> RowKey:
    """The key of a work item, in the words of predictions.csv."""
    return _text(str(item["input"])), str(item["frame"]), _cell("region", item["region"])


class PredictionTable:
    """A CSV file that grows by whole rows.

    Args:
        path: of predictions.csv.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def start(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Begin the file anew, with rows that an earlier run has left."""
        write_whole(self.path, "".join(map(_line, [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows])).encode())

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row, or nothing.

        Args:
            row: column -> value; a column that is not there stays empty.

        Raises:
            OSError: the disk is full or gone; the file is as before.
        """
        append_whole(self.path, _line(row).encode())

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows, without one that a killed run has left half written; none where there is no such table."""
        if not self.path.is_file():
            return
        with open(self.path, encoding="utf-8", newline="") as file:
            lines = _whole_lines(file)
            reader = csv.reader(lines)
            if next(reader, None) != COLUMNS:
                return
            for cells in reader:
                if len(cells) == len(COLUMNS):
                    yield dict(zip(COLUMNS, cells, strict=True))

    def put_in_order(self, order: Mapping[RowKey, int]) -> None:
        """Sort the rows by the input order, if a resumed run has met inputs between those already there."""
        places = [order[row_key(row)] for row in self.rows()]
        if places != sorted(places):
            self.start(sorted(self.rows(), key=lambda row: order[row_key(row)]))

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows by status, by the code that begins their reason, and analysed rows by diagnosis."""
        by: dict[str, Counter[str]] = {"status": Counter(), "reason": Counter(), "diagnosis": Counter()}
        for row in self.rows():
            by["status"][row["status"]] += 1
            if row["reason"]:
                by["reason"][row["reason"].split()[0].rstrip(";")] += 1
            if row["status"] == "ok":
                by["diagnosis"][row["diagnosis"]] += 1
        return {name: dict(sorted(counter.items())) for name, counter in by.items()}


def _whole_lines(file: Iterable[str]) -> Iterator[str]:
    """All lines but a last one without its end."""
    before = ""
    for line in file:
        if before:
            yield before
        before = line
    if before.endswith("\n"):
        yield before


def _line(row: Mapping[str, Any]) -> str:
    text = io.StringIO()
    cells = [_cell(name, row.get(name, "")) for name in COLUMNS]
    # Before Python 3.13 a carriage return, which a file's name may hold, is not quoted by itself.
    quoting = csv.QUOTE_ALL if any("\r" in cell for cell in cells) else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\n", quoting=quoting).writerow(cells)
    return text.getvalue()


def _cell(column: str, value: Any) -> str:
    if value is None or (column == "region" and value == -1):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(value: str) -> str:
    # A byte of a file's name that is no UTF-8 must not make the whole table unreadable.
    return value.encode("utf-8", "backslashreplace").decode()
