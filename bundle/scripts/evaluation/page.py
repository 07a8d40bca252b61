"""The tables of an evaluation in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.sites import Classes
from scripts.writing.tables import markdown

from .metrics import METRICS

#: Titles of what has no interval.
_TITLES = {name: metric.title for name, metric in METRICS.items()} | {
    "ece": "ECE",
    "reliability_correlation": "rank correlation with IoU",
    "reliability_error": "mean distance from IoU",
    "false_positives_at_95_sensitivity": "normals above the threshold that finds 95 % of lesions",
    "mask_risk_by_reliability": "1 - Dice, by reliability",
    "diagnosis_risk_by_reliability": "wrong diagnoses, by reliability",
    "diagnosis_risk_by_probability": "wrong diagnoses, by distance of the probability from the threshold",
}
_MASKS = ("dice", "dice_gate_off", "iou", "hd95", "lesions_located", "lesions_found")
_AUCS = ("auc", "auc_gate_off", "auc_true_area", "auc_predicted_area")
_DIAGNOSIS = (*_AUCS, "accuracy", "sensitivity", "specificity", "ece", "brier")
_EVIDENCE = ("evidence_auc", "false_positives_at_95_sensitivity", "normals_with_mask", "lesions_found")
_RELIABILITY = ("reliability_correlation", "reliability_error", "indeterminate", "accuracy", "accuracy_determined")
_RISKS = ("mask_risk_by_reliability", "diagnosis_risk_by_reliability", "diagnosis_risk_by_probability")


def evaluation_markdown(
    strata: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any], classes: Classes
) -> str:
    """The evaluation as a page to read.

    Args:
        strata: what ``summarise`` returned.
        about: what was evaluated and how, by name, for the page's head.
        classes: what the lesions can be.

    Returns:
        Markdown. A number in brackets is a bootstrap interval; an empty cell's reason stands at the end.
    """
    wholes = [name for name in strata if "/" not in name]
    if len(wholes) == 2:  # one dataset is all there is
        strata = {name: summary for name, summary in strata.items() if name.split("/")[0] != "all"}
        wholes = wholes[1:]
    with_lesions = [name for name in strata if strata[name]["lesions"]]
    with_normals = [name for name in wholes if strata[name]["normals"]]
    parts = ["# Evaluation", "\n".join(f"* {name}: {value}" for name, value in about.items())]
    parts += ["## Masks", _metric_table(strata, with_lesions, _MASKS)]
    if classes.names:
        mixed = [name for name in with_lesions if name.partition("/")[2] not in classes.names]
        parts += ["## Diagnosis", _metric_table(strata, mixed, _DIAGNOSIS)]
    if with_normals:
        parts += ["## Lesion or none", _metric_table(strata, with_normals, _EVIDENCE, count="normals")]
    parts += ["## Reliability", _metric_table(strata, [n for n in wholes if n in with_lesions], _RELIABILITY)]
    parts += [_risk_table(strata, wholes), "## Absent", _reasons(strata, wholes), "Research use only."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metric_table(
    strata: Mapping[str, Mapping[str, Any]], names: list[str], metrics: tuple[str, ...], count: str = "lesions"
) -> str:
    rows = [
        [name, str(strata[name][count]), *(_cell(strata[name].get(metric), metric) for metric in metrics)]
        for name in names
    ]
    return markdown(["cases", count, *(_TITLES[metric] for metric in metrics)], rows)


def _cell(result: Mapping[str, Any] | None, metric: str) -> str:
    if result is None:
        return ""
    digits = 1 if metric == "hd95" else 3
    text = f"{result['value']:.{digits}f}"
    if "interval" in result:
        text += " ({:.{d}f} to {:.{d}f})".format(*result["interval"], d=digits)
    return text


def _risk_table(strata: Mapping[str, Mapping[str, Any]], wholes: list[str]) -> str:
    """Risk at falling coverage: what remains wrong when the least reliable cases are left to a reader."""
    found = [(name, risk, strata[name][risk]["curve"]) for name in wholes for risk in _RISKS if risk in strata[name]]
    if not found:
        return ""
    head = ["cases", "risk", *(f"{point['coverage']:.0%} kept" for point in found[0][2])]
    return markdown(head, ([n, _TITLES[r], *(f"{point['risk']:.3f}" for point in curve)] for n, r, curve in found))


def _reasons(strata: Mapping[str, Mapping[str, Any]], wholes: list[str]) -> str:
    """Each reason once for each whole, with the metrics that it keeps away or without an interval."""
    lines = []
    for name in wholes:
        told: dict[str, list[str]] = {}
        for metric, reason in strata[name]["absent"].items():
            told.setdefault(reason, []).append(_TITLES[metric])
        for metric, result in strata[name].items():
            if metric in _TITLES and "no_interval" in result:
                told.setdefault(f"no interval, {result['no_interval']}", []).append(_TITLES[metric])
        lines += [f"* {name}: {'; '.join(titles)}: {reason}." for reason, titles in told.items()]
    return "\n".join(lines) or "Nothing."
