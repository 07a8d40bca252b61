"""Tell on the terminal what a run has found and where it lies: ``python -m scripts.inference.show_results OUT``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.errors import BundleError, report_errors_in_one_sentence
from scripts.findings.finding import INDETERMINATE

from .outcome import totals
from .tables.predictions import PredictionTable, table_columns
from .tables.studies import study_columns


def describe(row: Mapping[str, str], summary: Mapping[str, Any]) -> str:
    """One row of predictions.csv in words.

    Args:
        row: of the table.
        summary: the run's summary.json.
    """
    if row["status"] != "ok":
        return f"{row['status']}: {row['reason']}"
    said = ["no lesion found"]
    if row["lesion_found"] == "true":
        column = summary["site"]["probability"]
        probability = f"{column.replace('_', ' ')} {float(row[column]):.2f}" if row[column] else ""
        said = ["lesion found", row["diagnosis"], probability]
    said.append(f"mask reliability {float(row['reliability']):.2f}")
    doubt = f"; {INDETERMINATE}" if row["indeterminate"] == "true" else ""
    return ", ".join(filter(None, said)) + doubt


def describe_studies(rows: Sequence[Mapping[str, str]]) -> str:
    """How many studies and lesion tracks there are, and where views disagree.

    Args:
        rows: of studies.csv.
    """
    whole = [row for row in rows if not row["input"]]
    disagreeing = len({row["study"] for row in rows if row["views_disagree"] == "true"})
    doubt = f", views disagree in {disagreeing}" if disagreeing else ""
    return f"Studies: {len(whole)}, with {len(rows) - len(whole)} lesion tracks{doubt}; see studies.csv."


def report(
    output_dir: Path,
    rows: Sequence[Mapping[str, str]],
    summary: Mapping[str, Any],
    studies: Sequence[Mapping[str, str]] = (),
) -> str:
    """The findings, an image a line, how many there are, and where the files are.

    Args:
        output_dir: of the run.
        rows: of its predictions.csv, at least one.
        summary: its summary.json.
        studies: rows of its studies.csv.
    """
    rows_of = Counter(row["input"] for row in rows)
    names = [_name(row, alone=rows_of[row["input"]] == 1) for row in rows]
    width = max(map(len, names))
    lines = [f"{name:<{width}}  {describe(row, summary)}" for name, row in zip(names, rows, strict=True)]
    about = [describe_studies(studies)] if studies else []
    return "\n".join([*lines, "", *about, *totals(output_dir, rows, summary)])


def _name(row: Mapping[str, str], alone: bool) -> str:
    """The input; of several images in one file, also which."""
    if alone:
        return row["input"]
    return f"{row['input']}, frame {row['frame']}" + (f", region {row['region']}" if row["region"] else "")


def main() -> None:
    """Print the report of the folder named on the command line."""
    report_errors_in_one_sentence()
    if len(sys.argv) != 2:
        raise BundleError("Name the one folder of results: python -m scripts.inference.show_results OUT")
    output_dir = Path(sys.argv[1])
    rows, studies, summary = [], [], {}
    with suppress(OSError, ValueError, KeyError, TypeError):  # no results, or none of this version
        summary = json.loads((output_dir / "summary.json").read_text(encoding="utf-8"))
        probability = summary["site"]["probability"]
        rows = list(PredictionTable(output_dir / "predictions.csv", table_columns(probability)).rows())
        studies = list(PredictionTable(output_dir / "studies.csv", study_columns(probability)).rows())
    if not rows:
        raise BundleError(f'"{output_dir}" holds no results. Run inference with --output_dir {output_dir} first.')
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that cannot show a name shows its code
    print(report(output_dir, rows, summary, studies))


if __name__ == "__main__":
    main()
