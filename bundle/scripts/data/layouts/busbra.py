"""BUS-BRA as its authors publish it, as sections of labelled items."""

from __future__ import annotations

import csv
from pathlib import Path

from scripts.errors import BundleError

from .busi import Sections

#: The authors' five patient-wise folds; the fifth stays untouched for a final test.
BUSBRA_FOLDS = {"training": ("1", "2", "3"), "validation": ("4",), "test": ("5",)}
BUSBRA_COLUMNS = ("ID", "Case", "Pathology", "Fold5")


def busbra_sections(folder: Path) -> Sections:
    """BUS-BRA: ``bus_data.csv`` with ``Images/<ID>.png`` and ``Masks/mask_<ID without bus_>.png``.

    Args:
        folder: the folder that holds ``bus_data.csv``.

    Returns:
        Sections ``training`` (the authors' folds 1-3), ``validation`` (fold 4) and ``test`` (fold 5); the group is
        the patient (column ``Case``).

    Raises:
        BundleError: the table lacks a column.
    """
    with open(folder / "bus_data.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in BUSBRA_COLUMNS if rows and name not in rows[0]]
    if missing:
        raise BundleError(f"{folder.name}/bus_data.csv lacks the column {missing[0]}. Use the authors' table.")
    sections: Sections = {}
    for section, folds in BUSBRA_FOLDS.items():
        sections[section] = [
            {
                "image": f"Images/{row['ID']}.png",
                "label": [f"Masks/{row['ID'].replace('bus_', 'mask_', 1)}.png"],
                "diagnosis": row["Pathology"].strip().lower(),
                "group": row["Case"],
            }
            for row in rows
            if row["Fold5"].strip() in folds
        ]
    return sections
