"""What is in each section of the data sets: images, groups, diagnoses, and columns of a table of the images.

    python benchmarks/partitions.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir OUT

A data set with a ``bus_data.csv``, as BUS-BRA has one, is told by its BI-RADS categories, devices and histology too.
"""

from __future__ import annotations

import argparse
import ast
import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bundle_runs import CLASSES, dataset_folders

from scripts.data import load_datalist
from scripts.writing.tables import write_study

SECTIONS = ("training", "validation")
COLUMNS = ("BIRADS", "Device", "Histology")


def partitions(folders: Sequence[Path]) -> list[dict[str, object]]:
    """A row for each section of each data set; counts, those of a column as text, the most frequent first."""
    rows: list[dict[str, object]] = []
    for folder in folders:
        table = _table_of(folder)
        for section in SECTIONS:
            items = load_datalist(folder, section, CLASSES)
            found = Counter(item["diagnosis"] for item in items)
            row: dict[str, object] = {"data set": folder.name, "section": section, "images": len(items)}
            row |= {"groups": len({item["group"] for item in items})} | {name: found[name] for name in CLASSES.listed}
            rows.append(row | {column: _counted(items, table, column) for column in COLUMNS})
    return rows


def _table_of(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of ``bus_data.csv`` by image, without extension; none where there is no such file."""
    path = folder / "bus_data.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


def _counted(items: Sequence[dict[str, Any]], table: dict[str, dict[str, str]], column: str) -> str | None:
    values = (table.get(Path(item["image"]).stem, {}).get(column) for item in items)
    counts = Counter(value for value in values if value)
    return ", ".join(f"{value}: {count}" for value, count in counts.most_common()) or None


def main() -> None:
    """Write ``partitions.md`` and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    folders = [Path(folder) for folder in ast.literal_eval(dataset_folders(arguments.dataset_dir))]
    write_study(arguments.output_dir, "partitions", partitions(folders))
    print((arguments.output_dir / "partitions.md").read_text())


if __name__ == "__main__":
    main()
