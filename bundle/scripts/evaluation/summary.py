"""From the case table to the numbers of an evaluation, by stratum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .bootstrap import Bootstrap, NotComputable
from .cases import SIZES, CaseTable
from .metrics import METRICS
from .statistics import (
    CALIBRATION_BINS,
    calibration_bins,
    expected_calibration_error,
    false_positive_rate,
    rank_correlation,
    risk_coverage,
)


def strata(table: CaseTable) -> dict[str, np.ndarray]:
    """The groups of cases that are reported: all and each dataset, whole, by class and by tercile of lesion size.

    Returns:
        Booleans (N,) by name: ``all``, ``all/<class>``, ``all/small``, ``<dataset>``, ``<dataset>/<class>`` ...; only
        those with cases.
    """
    wholes = {"all": np.ones(len(table), dtype=bool)}
    wholes |= {str(name): table["dataset"] == name for name in np.unique(table["dataset"])}
    chosen: dict[str, np.ndarray] = {}
    for name, whole in wholes.items():
        chosen[name] = whole
        chosen |= {f"{name}/{kind}": whole & (table["diagnosis"] == kind) for kind in table.classes.names}
        chosen |= {f"{name}/{size}": whole & (table["size"] == size) for size in SIZES}
    return {name: cases for name, cases in chosen.items() if cases.any()}


def summarise(table: CaseTable, bootstrap: Bootstrap = Bootstrap()) -> dict[str, dict[str, Any]]:
    """Every metric of every stratum.

    Returns:
        By stratum: each metric that can be computed, by its name, and ``absent``: the others, with the reason.
    """
    return {name: _summarise(table.select(cases), bootstrap) for name, cases in strata(table).items()}


def _summarise(table: CaseTable, bootstrap: Bootstrap) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "images": len(table),
        "lesions": int(table.is_lesion.sum()),
        "normals": int((~table.is_lesion).sum()),
    }
    computed = {name: lambda metric=metric: metric(table, bootstrap) for name, metric in METRICS.items()}
    computed |= {name: lambda function=function: function(table) for name, function in _PLAIN.items()}
    absent = {}
    for name, compute in computed.items():
        try:
            summary[name] = compute()
        except NotComputable as reason:
            absent[name] = str(reason)
    return summary | {"absent": absent}


def _lesions(table: CaseTable, at_least: int) -> CaseTable:
    lesions = table.select(table.is_lesion & np.isfinite(table["dice"]))
    if len(lesions) < at_least:
        raise NotComputable(f"needs {at_least} images with a lesion and its mask, there are {len(lesions)}")
    return lesions


def _diagnosed(table: CaseTable, at_least: int) -> CaseTable:
    if not table.classes.names:
        raise NotComputable("needs classes, of which this site has none")
    return _lesions(table, at_least)


def _calibration(table: CaseTable) -> dict[str, Any]:
    lesions = _diagnosed(table, CALIBRATION_BINS)
    bins = calibration_bins(lesions.counted_probability, lesions.is_positive)
    return {"value": expected_calibration_error(bins), "cases": len(lesions), "bins": bins}


def _reliability(table: CaseTable) -> dict[str, Any]:
    lesions = _lesions(table, 2)
    correlation = rank_correlation(lesions["reliability"], lesions["iou_gate_off"])
    if not np.isfinite(correlation):
        raise NotComputable("needs reliabilities and IoU that differ between cases")
    return {"value": correlation, "cases": len(lesions)}


def _reliability_error(table: CaseTable) -> dict[str, Any]:
    lesions = _lesions(table, 1)
    error = np.abs(lesions["reliability"] - lesions["iou_gate_off"]).mean()
    return {"value": float(error), "cases": len(lesions)}


def _mask_risk(table: CaseTable) -> dict[str, Any]:
    lesions = _lesions(table, 2)
    return risk_coverage(lesions["reliability"], 1 - lesions["dice"]) | {"cases": len(lesions)}


def _diagnosis_risk(confidence: str) -> Any:
    def compute(table: CaseTable) -> dict[str, Any]:
        lesions = _diagnosed(table, 2)
        distance = np.abs(lesions.counted_probability - table.classes.threshold)
        certainty = {"reliability": lesions["reliability"], "probability": distance}[confidence]
        wrong = lesions.is_correct == 0
        return risk_coverage(certainty, wrong.astype(float)) | {"cases": len(lesions)}

    return compute


def _false_positives(table: CaseTable) -> dict[str, Any]:
    cases = METRICS["evidence_auc"].cases(table)
    value = false_positive_rate(cases["lesion_evidence"], cases.is_lesion)
    return {"value": value, "cases": len(cases)}


#: What is computed once, without an interval.
_PLAIN = {
    "ece": _calibration,
    "reliability_correlation": _reliability,
    "reliability_error": _reliability_error,
    "mask_risk_by_reliability": _mask_risk,
    "diagnosis_risk_by_reliability": _diagnosis_risk("reliability"),
    "diagnosis_risk_by_probability": _diagnosis_risk("probability"),
    "false_positives_at_95_sensitivity": _false_positives,
}
