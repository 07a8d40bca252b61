"""predictions.csv: rows in input order, each appended whole, readable after any crash."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.findings.finding import Finding
from scripts.writing.files import append_whole, write_whole

#: input, frame, region as they stand in the file.
RowKey = tuple[str, str, str]


def row_key(item: Mapping[str, Any]) -> RowKey:
    """The key of a work item, in the words of predictions.csv."""
    return _text(str(item["input"])), str(item["frame"]), _cell("region", item["region"])


def text_key(row: Mapping[str, str]) -> RowKey:
    """The key of a row that was read from a table."""
    return row["input"], row["frame"], row["region"]


def table_columns(probability: str) -> list[str]:
    """The columns of predictions.csv.

    Args:
        probability: the name of the probability's column, ``Classes.probability`` of the site.
    """
    return (
        f"input frame region sop_instance_uid status reason lesion_found diagnosis {probability} indeterminate "
        "reliability area_px area_mm2 long_axis_mm short_axis_mm mask overlay out_of_domain"
    ).split()


def finding_cells(finding: Finding, probability: str) -> dict[str, Any]:
    """The columns that a finding fills; one that is not known is None.

    Args:
        finding: of one row.
        probability: the name of the probability's column.
    """
    return {
        "lesion_found": finding.found,
        "diagnosis": finding.diagnosis,
        probability: finding.probability,
        "indeterminate": finding.indeterminate,
        "reliability": finding.mask_reliability,
        **asdict(finding.size),
    }


def text_cells(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """The cells of a row as they stand in the file."""
    return {name: _cell(name, row.get(name, "")) for name in columns}


class PredictionTable:
    """A CSV file that grows by whole rows, each of which begins with the key of an image.

    Args:
        path: of predictions.csv or lesions.csv.
        columns: see :func:`table_columns`; a table with others counts as empty.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str]) -> None:
        self.path, self.columns = Path(path), list(columns)

    def start(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Begin the file anew, with rows that an earlier run has left."""
        lines = [dict(zip(self.columns, self.columns, strict=True)), *rows]
        write_whole(self.path, "".join(map(self._line, lines)).encode())

    def append(self, *rows: Mapping[str, Any]) -> None:
        """Add rows, or nothing.

        Args:
            rows: column -> value; a column that is not there stays empty.

        Raises:
            OSError: the disk is full or gone; the file is as before.
        """
        append_whole(self.path, "".join(map(self._line, rows)).encode())

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows, without one that a killed run has left half written; none where there is no such table."""
        if not self.path.is_file():
            return
        with open(self.path, encoding="utf-8", newline="") as file:
            lines = _whole_lines(file)
            reader = csv.reader(lines)
            if next(reader, None) != self.columns:
                return
            for cells in reader:
                if len(cells) == len(self.columns):
                    yield dict(zip(self.columns, cells, strict=True))

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

    def _line(self, row: Mapping[str, Any]) -> str:
        text = io.StringIO()
        cells = list(text_cells(row, self.columns).values())
        # Before Python 3.13 a carriage return, which a file's name may hold, is not quoted by itself.
        quoting = csv.QUOTE_ALL if any("\r" in cell for cell in cells) else csv.QUOTE_MINIMAL
        csv.writer(text, lineterminator="\n", quoting=quoting).writerow(cells)
        return text.getvalue()


def count_analysed(items: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How much was analysed: a patient's study may hold many files, and a file many images.

    Args:
        items: work items of :func:`scripts.data.discover`.
        rows: of the table so far.

    Returns:
        ``images`` (frames and B-mode regions), ``files``, ``studies`` (of DICOM, by their UID).
    """
    done = {text_key(row) for row in rows if row["status"] == "ok"}
    analysed = [item for item in items if row_key(item) in done]
    return {
        "images": len(analysed),
        "files": len({item["input"] for item in analysed}),
        "studies": len({item["study"] for item in analysed if item.get("study")}),
    }


def read_table(path: str | os.PathLike[str]) -> Iterator[dict[str, str]]:
    """The whole rows of a table with whatever columns it names; none where there is no such table."""
    if not Path(path).is_file():
        return
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(_whole_lines(file))
        columns = next(reader, [])
        for cells in reader:
            if len(cells) == len(columns):
                yield dict(zip(columns, cells, strict=True))


def _whole_lines(file: Iterable[str]) -> Iterator[str]:
    """All lines but a last one without its end."""
    before = ""
    for line in file:
        if before:
            yield before
        before = line
    if before.endswith("\n"):
        yield before


def _cell(column: str, value: Any) -> str:
    if value is None or (column == "region" and value == -1):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(value: str) -> str:
    # A byte of a file's name that is no UTF-8 must not make the whole table unreadable.
    return value.encode("utf-8", "backslashreplace").decode()
