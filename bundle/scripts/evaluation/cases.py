"""The case table of an evaluation: one row per image, kept as columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.errors import BundleError

LESIONS = ("benign", "malignant")
SIZES = ("small", "medium", "large")

#: The columns of ``cases.csv`` and what they hold; a number that is not defined for a case is nan.
TEXT_COLUMNS = ("dataset", "image", "group", "diagnosis", "size")
NUMBER_COLUMNS = (
    "lesion_found",  # 1: a mask was emitted
    "dice",  # of the emitted mask; nan where the true mask is empty
    "dice_gate_off",  # of the fused mask before the evidence gate
    "iou",
    "iou_gate_off",
    "hd95",  # native pixels; the diagonal where no mask was emitted
    "malignancy_probability",  # as computed, whether a lesion was found or not
    "indeterminate",  # 1: a lesion was found, but its diagnosis is not to be trusted
    "reliability",  # predicted IoU of the fused mask, 0..1
    "lesion_evidence",  # logit
    "true_area",  # fraction of the image, 0..1
    "predicted_area",  # fraction of the image, of the emitted mask
    "true_area_px",
    "predicted_area_px",
    "rows",
    "columns",
)
COLUMNS = TEXT_COLUMNS + NUMBER_COLUMNS


class CaseTable:
    """Cases of an evaluation as columns of equal length.

    Args:
        columns: values by column name; text or float64, shape (N,).
    """

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self.columns = dict(columns)

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> CaseTable:
        """From one mapping per case with every name of ``COLUMNS`` but ``size``, which is computed.

        Args:
            rows: the cases; sorted here by dataset and image, so that the order of evaluation leaves no trace.
        """
        rows = sorted(rows, key=lambda row: (row["dataset"], row["image"]))
        columns = {name: np.array([str(row[name]) for row in rows]) for name in TEXT_COLUMNS if name != "size"}
        columns |= {name: np.array([float(row[name]) for row in rows]) for name in NUMBER_COLUMNS}
        return cls(columns | {"size": size_terciles(columns["dataset"], columns["diagnosis"], columns["true_area"])})

    @classmethod
    def read(cls, path: str | Path) -> CaseTable:
        """From a ``cases.csv``.

        Raises:
            BundleError: the file is missing or lacks a column.
        """
        path = Path(path)
        if not path.is_file():
            raise BundleError(f'The case table "{path}" does not exist. Run the evaluation that writes it first.')
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise BundleError(f'The case table "{path}" lacks the column "{missing[0]}". Run the evaluation again.')
            rows = list(reader)
        columns = {name: np.array([row[name] for row in rows], dtype=str) for name in TEXT_COLUMNS}
        return cls(columns | {name: np.array([float(row[name] or "nan") for row in rows]) for name in NUMBER_COLUMNS})

    def write(self, path: str | Path) -> None:
        """To a ``cases.csv``; an undefined number is left empty."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in zip(*(self[name].tolist() for name in COLUMNS)):
                writer.writerow("" if value != value else value for value in row)

    def __len__(self) -> int:
        return len(self["image"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def select(self, chosen: np.ndarray) -> CaseTable:
        """The cases where ``chosen`` (booleans or indices) says so."""
        return CaseTable({name: values[chosen] for name, values in self.columns.items()})

    @property
    def is_lesion(self) -> np.ndarray:
        """Whether the image shows a lesion, shape (N,)."""
        return np.isin(self["diagnosis"], LESIONS)

    @property
    def is_malignant(self) -> np.ndarray:
        """Whether the image shows a malignant lesion, shape (N,)."""
        return self["diagnosis"] == "malignant"

    @property
    def counted_probability(self) -> np.ndarray:
        """Malignancy probability as it counts: 0 where no lesion was found, shape (N,)."""
        return np.where(self["lesion_found"] > 0, self["malignancy_probability"], 0.0)


def size_terciles(dataset: np.ndarray, diagnosis: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Small, medium or large: terciles of the true area fraction among the lesions of each dataset.

    Args:
        dataset: names, shape (N,).
        diagnosis: benign | malignant | normal, shape (N,).
        area: true area as a fraction of the image, shape (N,).

    Returns:
        Shape (N,); empty for normals, and where a dataset has fewer than three lesions.
    """
    sizes = np.full(len(area), "", dtype="<U6")
    for name in np.unique(dataset):
        lesions = np.flatnonzero((dataset == name) & np.isin(diagnosis, LESIONS) & (area > 0))
        if len(lesions) >= len(SIZES):
            limits = np.quantile(area[lesions], [1 / 3, 2 / 3])
            sizes[lesions] = np.array(SIZES)[np.searchsorted(limits, area[lesions])]
    return sizes
