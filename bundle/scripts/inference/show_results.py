"""Tell on the terminal what a run has found and where it lies: ``python -m scripts.inference.show_results OUT``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.errors import BundleError, report_errors_in_one_sentence

from .prediction_table import PredictionTable


def describe(row: Mapping[str, str]) -> str:
    """One row of predictions.csv in words."""
    if row["status"] != "ok":
        return f"{row['status']}: {row['reason']}"
    doubt = "; indeterminate" if row["indeterminate"] == "true" else ""
    reliability = f"reliability {float(row['reliability']):.2f}"
    if row["lesion_found"] != "true":
        return f"no lesion found, {reliability}{doubt}"
    probability = f"malignancy probability {float(row['malignancy_probability']):.2f}"
    return f"lesion found, {row['diagnosis']}, {probability}, {reliability}{doubt}"


def report(output_dir: Path, rows: Iterable[Mapping[str, str]]) -> str:
    """The findings, an input a line, and where the files are."""
    rows = list(rows)
    width = max(len(row["input"]) for row in rows)
    analysed = [row for row in rows if row["status"] == "ok"]
    found = [row for row in analysed if row["lesion_found"] == "true"]
    malignant = sum(row["diagnosis"] == "malignant" for row in found)
    lines = [f"{row['input']:<{width}}  {describe(row)}" for row in rows]
    lines += [
        "",
        f"{len(analysed)} of {len(rows)} images analysed: {len(found)} with a lesion ({malignant} malignant, "
        f"{len(found) - malignant} benign), {len(analysed) - len(found)} without.",
        f"Results: {output_dir}/predictions.csv; pictures: {output_dir}/overlays; masks: {output_dir}/masks",
        "Research use only; not a medical device.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the report of the folder named on the command line."""
    report_errors_in_one_sentence()
    if len(sys.argv) != 2:
        raise BundleError("Name the one folder of results: python -m scripts.inference.show_results OUT")
    output_dir = Path(sys.argv[1])
    rows = list(PredictionTable(output_dir / "predictions.csv").rows())
    if not rows:
        raise BundleError(f'"{output_dir}" holds no results. Run inference with --output_dir {output_dir} first.')
    print(report(output_dir, rows))


if __name__ == "__main__":
    main()
