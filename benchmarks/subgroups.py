"""An evaluation by subgroups: a column of its ``cases.csv``, or one of a table of the images.

    python benchmarks/subgroups.py --cases OUT/cases.csv --by size --output_dir OUT
    python benchmarks/subgroups.py --cases OUT/cases.csv --by Device --table BUS-BRA/bus_data.csv --output_dir OUT
    python benchmarks/subgroups.py --cases OUT/cases.csv --by marks --table benchmarks/busi_marks.csv --output_dir OUT

A table names an image in its first column, with or without the extension; images that it does not name are left out.
``busi_marks.csv`` says what is burnt into each image of BUSI's validation list: calipers, with the dotted lines between
them; text (or an arrow, a frame, a pictogram) without calipers; or none; and whether the text names the axilla. It was
read by eye from the images; the maker's logo in a corner does not count.
A metric that a subgroup's cases do not define is a dash.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from bundle_runs import CLASSES, COLUMNS, CaseTable

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.evaluation.metrics import METRICS
from scripts.writing.tables import write_study


def with_interval(table: CaseTable, metric: str) -> str | None:
    """A metric with its interval where there are groups enough for one; None if the cases do not define it."""
    try:
        result = METRICS[metric](table, Bootstrap())
    except NotComputable:
        return None
    text = f"{result['value']:.3f}"
    return text + " ({:.3f} to {:.3f})".format(*result["interval"]) if "interval" in result else text


def values_of(cases: CaseTable, column: str, path: Path | None) -> np.ndarray:
    """The column's value for each case, shape (N,); empty where the table does not name the image.

    Raises:
        BundleError: there is no such column.
    """
    if path is None:
        if column not in cases.columns:
            raise BundleError(f'cases.csv has no column "{column}"; it has {", ".join(cases.columns)}.')
        return cases[column]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or column not in rows[0]:
        raise BundleError(f'"{path}" has no column "{column}".')
    table = {Path(next(iter(row.values()))).stem: row[column] for row in rows}
    return np.array([table.get(Path(image).stem, "") for image in cases["image"]])


def subgroups(cases: CaseTable, column: str, path: Path | None = None) -> list[dict[str, object]]:
    """A row for every value of the column in every data set.

    Args:
        cases: of an evaluation.
        column: of the cases, or with ``path`` of that table.
        path: a CSV that names images in its first column.

    Raises:
        BundleError: there is no such column.
    """
    values = values_of(cases, column, path)
    metrics = {name: metric for name, (metric, of) in COLUMNS.items() if not of}
    first = {"lesions found": "lesions_found", "lesions located": "lesions_located"}
    metrics = {**first, **metrics, "normals with a mask": "normals_with_mask"}
    rows = []
    for dataset in sorted(set(cases["dataset"])):
        of_set = cases["dataset"] == dataset
        for value in sorted(set(values[of_set]) - {""}):
            chosen = cases.select(of_set & (values == value))
            lesions = int(chosen.is_lesion.sum())
            row = {"data set": dataset, column: value, "lesions": lesions, "normals": len(chosen) - lesions}
            rows.append(row | {name: with_interval(chosen, metric) for name, metric in metrics.items()})
    return rows


def main() -> None:
    """Write ``by_<column>.md`` and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="cases.csv of an evaluation")
    parser.add_argument("--by", required=True, help="column whose values are the subgroups")
    parser.add_argument("--table", type=Path, help="CSV that has the column; without it cases.csv")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        rows = subgroups(CaseTable.read(arguments.cases, CLASSES), arguments.by, arguments.table)
    except BundleError as error:
        sys.exit(str(error))
    if not rows:
        sys.exit(f'No case of "{arguments.cases}" has a value of "{arguments.by}".')
    write_study(arguments.output_dir, f"by_{arguments.by}", rows)
    print((arguments.output_dir / f"by_{arguments.by}.md").read_text())


if __name__ == "__main__":
    main()
