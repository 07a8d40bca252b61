"""The case table of an evaluation: one row per image, kept as columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.errors import BundleError
from scripts.sites import Classes

SIZES = ("small", "medium", "large")

#: The columns of ``cases.csv`` and what they hold, but for the probabilities, whose names are those of
#: :attr:`scripts.sites.Classes.columns`; a number that is not defined for a case is nan.
TEXT_COLUMNS = ("dataset", "image", "group", "diagnosis", "size")
MASK_COLUMNS = (
    "lesion_found",  # 1: a mask was emitted
    "dice",  # of the emitted mask; nan where the true mask is empty
    "dice_gate_off",  # of the fused mask before the evidence gate
    "iou",
    "iou_gate_off",
    "hd95",  # native pixels; the diagonal where no mask was emitted
)
OTHER_COLUMNS = (
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


def number_columns(classes: Classes) -> tuple[str, ...]:
    """The columns of numbers, in order; probabilities as computed, whether a lesion was found or not."""
    return (*MASK_COLUMNS, *classes.columns.values(), *OTHER_COLUMNS)


class CaseTable:
    """Cases of an evaluation as columns of equal length.

    Args:
        columns: values by column name; text or float64, shape (N,).
        classes: what the lesions can be.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], classes: Classes) -> None:
        self.columns, self.classes = dict(columns), classes

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]], classes: Classes) -> CaseTable:
        """From one mapping per case with every column but ``size``, which is computed.

        Args:
            rows: the cases; sorted here by dataset and image, so that the order of evaluation leaves no trace.
            classes: what the lesions can be.
        """
        rows = sorted(rows, key=lambda row: (row["dataset"], row["image"]))
        columns = {name: np.array([str(row[name]) for row in rows]) for name in TEXT_COLUMNS if name != "size"}
        columns |= {name: np.array([float(row[name]) for row in rows]) for name in number_columns(classes)}
        is_lesion = columns["diagnosis"] != classes.absent
        return cls(columns | {"size": size_terciles(columns["dataset"], is_lesion, columns["true_area"])}, classes)

    @classmethod
    def read(cls, path: str | Path, classes: Classes) -> CaseTable:
        """From a ``cases.csv``.

        Args:
            path: the file.
            classes: what the lesions can be.

        Raises:
            BundleError: the file is missing or lacks a column.
        """
        path = Path(path)
        if not path.is_file():
            raise BundleError(f'The case table "{path}" does not exist. Run the evaluation that writes it first.')
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            needed = (*TEXT_COLUMNS, *number_columns(classes))
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise BundleError(f'The case table "{path}" lacks the column "{missing[0]}". Run the evaluation again.')
            rows = list(reader)
        columns = {name: np.array([row[name] for row in rows], dtype=str) for name in TEXT_COLUMNS}
        columns |= {name: np.array([float(row[name] or "nan") for row in rows]) for name in number_columns(classes)}
        return cls(columns, classes)

    def write(self, path: str | Path) -> None:
        """To a ``cases.csv``; an undefined number is left empty."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = (*TEXT_COLUMNS, *number_columns(self.classes))
            writer.writerow(names)
            for row in zip(*(self[name].tolist() for name in names), strict=True):
                writer.writerow("" if value != value else value for value in row)

    def __len__(self) -> int:
        return len(self["image"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def select(self, chosen: np.ndarray) -> CaseTable:
        """The cases where ``chosen`` (booleans or indices) says so."""
        return CaseTable({name: values[chosen] for name, values in self.columns.items()}, self.classes)

    @property
    def is_lesion(self) -> np.ndarray:
        """Whether the image shows a lesion, shape (N,)."""
        return self["diagnosis"] != self.classes.absent

    @property
    def is_positive(self) -> np.ndarray:
        """Whether the image shows a lesion of the positive class, shape (N,)."""
        return self["diagnosis"] == self.classes.positive

    @property
    def probability(self) -> np.ndarray:
        """Probability of the positive class as computed, shape (N,); nan where there are no classes."""
        return self[self.classes.probability] if self.classes.names else np.full(len(self), np.nan)

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities of all classes as computed, in their order, shape (N, C)."""
        columns = self.classes.columns
        rest = 1 - self.probability
        return np.stack([self[columns[name]] if name in columns else rest for name in self.classes.names], axis=1)

    @property
    def counted_probability(self) -> np.ndarray:
        """Probability of the positive class as it counts: 0 where no lesion was found, shape (N,)."""
        return np.where(self["lesion_found"] > 0, self.probability, 0.0)

    @property
    def called_positive(self) -> np.ndarray:
        """Whether the image counts as showing the positive class, shape (N,)."""
        return self.called == self.classes.positive

    @property
    def called(self) -> np.ndarray:
        """The class that each image counts as, shape (N,). A lesion that was not found is of no class ("").

        Of two classes it counts as the one that is not positive, as its probability does.
        """
        if len(self.classes.names) == 2:
            positive = self.counted_probability >= self.classes.threshold
            return np.where(positive, self.classes.positive, self.classes.others[0])
        if not self.classes.names:
            return np.full(len(self), "")
        likeliest = np.array(self.classes.names)[self.probabilities.argmax(axis=1)]
        return np.where(self["lesion_found"] > 0, likeliest, "")

    @property
    def is_correct(self) -> np.ndarray:
        """1 where the lesion is called what it is, 0 elsewhere, shape (N,)."""
        return (self.called == self["diagnosis"]).astype(float)


def size_terciles(dataset: np.ndarray, is_lesion: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Small, medium or large: terciles of the true area fraction among the lesions of each dataset.

    Args:
        dataset: names, shape (N,).
        is_lesion: booleans, shape (N,).
        area: true area as a fraction of the image, shape (N,).

    Returns:
        Shape (N,); empty for normals, and where a dataset has fewer than three lesions.
    """
    sizes = np.full(len(area), "", dtype="<U6")
    for name in np.unique(dataset):
        lesions = np.flatnonzero((dataset == name) & is_lesion & (area > 0))
        if len(lesions) >= len(SIZES):
            limits = np.quantile(area[lesions], [1 / 3, 2 / 3])
            sizes[lesions] = np.array(SIZES)[np.searchsorted(limits, area[lesions])]
    return sizes
