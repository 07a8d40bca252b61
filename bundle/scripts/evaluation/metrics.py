"""The bundle's metrics: what is averaged or ranked, over which cases, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scripts.sites import Classes

from .bootstrap import Bootstrap, NotComputable
from .cases import CaseTable
from .statistics import weighted_auc, weighted_mean

LOCATED_FROM = 0.5  # IoU of the emitted mask with the true one
Column = Callable[[CaseTable], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A mean over cases, or an area under the ROC curve between two kinds of cases.

    Args:
        title: what it is, for tables.
        over: which cases it is of, as booleans (N,).
        values: what is averaged, or the score that is ranked, shape (N,).
        positive: the positive cases; makes it an area under the ROC curve.
        diagnosis: whether it judges the diagnosis, which not every site has.
        needs: which cases it cannot do without, for the reason of its absence; ``{positive}``, ``{others}`` and
            ``{absent}`` stand for the site's words.
    """

    title: str
    over: Column
    values: Column
    needs: str
    positive: Column | None = None
    diagnosis: bool = False

    def cases(self, table: CaseTable) -> CaseTable:
        """The cases that it is of.

        Raises:
            NotComputable: there is none, or one of the two kinds is missing.
        """
        if self.diagnosis and not table.classes.names:
            raise NotComputable("needs classes, of which this site has none")
        over = self.over(table)
        kinds = [over] if self.positive is None else [over & self.positive(table), over & ~self.positive(table)]
        if not all((kind & np.isfinite(self.values(table))).any() for kind in kinds):
            raise NotComputable(f"needs {self._needed(table.classes)}")
        return table.select(over & np.isfinite(self.values(table)))

    def _needed(self, classes: Classes) -> str:
        others = " or ".join(classes.others)
        return self.needs.format(positive=classes.positive, others=others, absent=classes.absent)

    def on(self, table: CaseTable, weights: np.ndarray) -> np.ndarray:
        """Its value under each row of weights.

        Args:
            table: what ``cases`` returned.
            weights: shape (R, N).

        Returns:
            Shape (R,); nan where a row leaves it undefined.
        """
        if self.positive is None:
            return weighted_mean(self.values(table), weights)
        return weighted_auc(self.values(table), self.positive(table), weights)

    def __call__(self, table: CaseTable, bootstrap: Bootstrap) -> dict[str, Any]:
        """Its value with an interval.

        Returns:
            ``value``, ``cases``, ``groups`` and ``interval``, or ``no_interval`` with the reason.

        Raises:
            NotComputable: the cases do not define it.
        """
        cases = self.cases(table)
        result = {
            "value": float(self.on(cases, np.ones((1, len(cases))))[0]),
            "cases": len(cases),
            "groups": len(np.unique(cases["group"])),
        }
        try:
            draws = bootstrap.draw(cases["group"], lambda weights: self.on(cases, weights))
        except NotComputable as reason:
            return result | {"no_interval": str(reason)}
        return result | {"interval": bootstrap.interval(draws)}


def _column(name: str) -> Column:
    return lambda table: table[name]


def _lesions(table: CaseTable) -> np.ndarray:
    return table.is_lesion


def _normals(table: CaseTable) -> np.ndarray:
    return ~table.is_lesion


def _beside_normals(table: CaseTable) -> np.ndarray:
    """Cases of datasets that hold normals: elsewhere the look of the dataset would pass for a lesion."""
    return np.isin(table["dataset"], np.unique(table["dataset"][~table.is_lesion]))


def _located(table: CaseTable) -> np.ndarray:
    return (table["iou"] >= LOCATED_FROM).astype(float)


def _correct(table: CaseTable) -> np.ndarray:
    return table.is_correct


def _told_apart(table: CaseTable) -> np.ndarray:
    """1 where the positive class is called so, or another is not."""
    return (table.called_positive == table.is_positive).astype(float)


def _squared_error(table: CaseTable) -> np.ndarray:
    return (table.counted_probability - table.is_positive) ** 2


_LESION = "an image with a lesion"
_BOTH = "{others} and {positive} lesions"


def _lesion_mean(title: str, column: str) -> Metric:
    return Metric(title, _lesions, _column(column), f"{_LESION} and its mask")


def _diagnosis_auc(title: str, scores: Column) -> Metric:
    return Metric(title, _lesions, scores, _BOTH, positive=lambda table: table.is_positive, diagnosis=True)


METRICS = {
    "dice": _lesion_mean("Dice", "dice"),
    "dice_gate_off": _lesion_mean("Dice, gate off", "dice_gate_off"),
    "iou": _lesion_mean("IoU", "iou"),
    "hd95": _lesion_mean("HD95 (pixels)", "hd95"),
    # An emitted mask may lie elsewhere: a lesion that was found is not yet one that was located.
    "lesions_located": Metric("lesions located", _lesions, _located, _LESION),
    "lesions_found": Metric("lesions found", _lesions, _column("lesion_found"), _LESION),
    "auc": _diagnosis_auc("AUC", lambda table: table.counted_probability),
    "auc_gate_off": _diagnosis_auc("AUC, gate off", lambda table: table.probability),
    "auc_true_area": _diagnosis_auc("AUC, true area alone", _column("true_area")),
    "auc_predicted_area": _diagnosis_auc("AUC, predicted area alone", _column("predicted_area")),
    "accuracy": Metric("accuracy", _lesions, _correct, _LESION, diagnosis=True),
    "indeterminate": _lesion_mean("indeterminate", "indeterminate"),
    "accuracy_determined": Metric(
        "accuracy, indeterminate left out",
        lambda table: table.is_lesion & (table["indeterminate"] == 0),
        _correct,
        "a lesion that is not indeterminate",
        diagnosis=True,
    ),
    "sensitivity": Metric(
        "sensitivity", lambda table: table.is_positive, _told_apart, "a {positive} lesion", diagnosis=True
    ),
    "specificity": Metric(
        "specificity",
        lambda table: table.is_lesion & ~table.is_positive,
        _told_apart,
        "a {others} lesion",
        diagnosis=True,
    ),
    "brier": Metric("Brier score", _lesions, _squared_error, _LESION, diagnosis=True),
    "normals_with_mask": Metric("normals with a mask", _normals, _column("lesion_found"), "a {absent} image"),
    "evidence_auc": Metric(
        "AUC, lesion against normal",
        _beside_normals,
        _column("lesion_evidence"),
        "lesions and normals in one dataset",
        positive=_lesions,
    ),
}
