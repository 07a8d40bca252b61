"""What is fitted after training, from out-of-fold predictions: temperatures, limits and when not to be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit, logsumexp, softmax

from scripts.errors import BundleError

from .cases import CaseTable

#: Probabilities are kept away from 0 and 1 by this much before their logit is taken.
MARGIN = 1e-6
#: Shares of the least reliable lesions, and half widths of the probability's band, among which is chosen.
SHARES = np.linspace(0.0, 0.15, 16)
HALF_WIDTHS = np.linspace(0.0, 0.3, 61)


def cross_entropy(logits: np.ndarray, outcome: np.ndarray) -> float:
    """Mean binary cross-entropy of logits with soft or hard outcomes in [0, 1], both (N,)."""
    return float(np.mean(np.logaddexp(0.0, logits) - outcome * logits))


def fit_temperature(logits: np.ndarray, outcome: np.ndarray) -> float:
    """The temperature T that makes sigmoid(logit / T) likeliest (Guo et al., ICML 2017).

    Args:
        logits: shape (N,).
        outcome: 0 or 1, shape (N,), both present.

    Returns:
        T, between 0.05 and 20.
    """
    fit = minimize_scalar(
        lambda log_t: cross_entropy(logits / np.exp(log_t), outcome), bounds=np.log([0.05, 20.0]), method="bounded"
    )
    return float(np.exp(fit.x))


def fit_softmax_temperature(logits: np.ndarray, outcome: np.ndarray) -> float:
    """The temperature T that makes softmax(logits / T) likeliest; of two classes as :func:`fit_temperature`.

    Args:
        logits: shape (N, C).
        outcome: number of the true class, shape (N,).

    Returns:
        T, between 0.05 and 20.
    """

    def loss(log_t: float) -> float:
        scaled = logits / np.exp(log_t)
        return float(np.mean(logsumexp(scaled, axis=1) - scaled[np.arange(len(scaled)), outcome]))

    return float(np.exp(minimize_scalar(loss, bounds=np.log([0.05, 20.0]), method="bounded").x))


def fit_line(logits: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Slope (positive) and offset that make sigmoid(slope * logit + offset) likeliest for targets in [0, 1], (N,)."""
    fit = minimize(lambda p: cross_entropy(np.exp(p[0]) * logits + p[1], target), x0=[0.0, 0.0], method="Nelder-Mead")
    return float(np.exp(fit.x[0])), float(fit.x[1])


def fit_evidence_threshold(
    evidence: np.ndarray, lesion: np.ndarray, lesions_kept: float = 0.95, normals_with_mask: float = 0.20
) -> dict[str, float | bool]:
    """The evidence logit above which there is a lesion: at most so many normals with a mask, so many lesions kept.

    Between the lowest threshold that satisfies the normals and the highest that satisfies the lesions the middle is
    taken. Where the two cannot be had together there is none to be fitted, and the figures are those of the highest
    that satisfies the lesions.

    Args:
        evidence: evidence logits, shape (N,).
        lesion: whether there is one, boolean, shape (N,), both present.
        lesions_kept: share of the lesions that keep their mask, at least.
        normals_with_mask: share of the normals that get one, at most.

    Returns:
        ``threshold``, and what it does to these cases: ``lesions_kept``, ``normals_with_mask``; ``separates``, whether
        that is what was asked for.
    """
    highest = np.quantile(evidence[lesion], 1.0 - lesions_kept, method="lower")
    lowest = np.quantile(evidence[~lesion], 1.0 - normals_with_mask, method="higher")
    threshold = float((lowest + highest) / 2 if lowest < highest else np.nextafter(highest, -np.inf))
    return {
        "threshold": threshold,
        "lesions_kept": float((evidence[lesion] > threshold).mean()),
        "normals_with_mask": float((evidence[~lesion] > threshold).mean()),
        "separates": bool(lowest < highest),
    }


def fit_abstention(
    probability: np.ndarray,
    reliability: np.ndarray,
    right: np.ndarray,
    threshold: float = 0.5,
    coverage: float = 0.85,
) -> dict[str, Any]:
    """When a diagnosis is *indeterminate*: the probability lies near the threshold, or the reliability is low.

    Of all pairs of limits that leave at least ``coverage`` of the lesions a diagnosis, the one whose diagnoses are
    right most often; of equal ones, the one that leaves most.

    Args:
        probability: calibrated probability of the positive class, shape (N,).
        reliability: in [0, 1], shape (N,).
        right: whether the diagnosis is right, boolean, shape (N,).
        threshold: probability around which the band lies.
        coverage: share of the lesions that must keep a diagnosis.

    Returns:
        ``band`` (two probabilities), ``reliability_threshold``, and ``coverage``, ``accuracy`` and ``accuracy_of_all``
        on these cases.
    """
    best: tuple[tuple[float, float], float, float] | None = None
    for limit in np.unique(np.append(np.quantile(reliability, SHARES), 0.0)):
        for half in HALF_WIDTHS:
            kept = (reliability >= limit) & (np.abs(probability - threshold) >= half)
            if kept.mean() >= coverage:
                quality = (float(right[kept].mean()), float(kept.mean()))
                if best is None or quality > best[0]:
                    best = (quality, float(limit), float(half))
    (accuracy, kept_share), limit, half = best
    return {
        "band": [threshold - half, threshold + half],
        "reliability_threshold": limit,
        "coverage": kept_share,
        "accuracy": accuracy,
        "accuracy_of_all": float(right.mean()),
    }


def fit_all(cases: CaseTable) -> dict[str, Any]:
    """Everything that is fitted, from the cases of networks that had not seen them.

    Args:
        cases: of evaluations with an evidence threshold of zero and all temperatures one.

    Returns:
        ``diagnosis_temperature``, ``evidence`` and its ``evidence_temperature``, ``reliability_slope`` and
        ``reliability_offset``, ``abstention``; see the functions above. Without classes the temperature is one, and no
        diagnosis is withheld.

    Raises:
        BundleError: there are no cases of a class or none without a lesion, or no data set has both.
    """
    for word in cases.classes.listed:
        if not (cases["diagnosis"] == word).any():
            raise BundleError(f"Nothing can be calibrated without {word} cases; give case tables that hold some.")
    lesions = cases.select(cases.is_lesion)

    # A data set without normals says nothing about absence.
    beside = cases.select(np.isin(cases["dataset"], np.unique(cases["dataset"][~cases.is_lesion])))
    if not beside.is_lesion.any():
        raise BundleError("The evidence threshold needs a data set with both lesions and normals; give its cases.")
    evidence = fit_evidence_threshold(beside["lesion_evidence"], beside.is_lesion)
    above = beside["lesion_evidence"] - evidence["threshold"]

    raw = logit(np.clip(lesions["reliability"], MARGIN, 1 - MARGIN))
    outlined = np.isfinite(lesions["iou_gate_off"])
    slope, offset = fit_line(raw[outlined], lesions["iou_gate_off"][outlined])
    return {
        **_fit_diagnosis(lesions, expit(slope * raw + offset)),
        "evidence": evidence,
        "evidence_temperature": fit_temperature(above, beside.is_lesion),
        "reliability_slope": slope,
        "reliability_offset": offset,
    }


def _fit_diagnosis(lesions: CaseTable, reliability: np.ndarray) -> dict[str, Any]:
    """``diagnosis_temperature`` and ``abstention``."""
    classes = lesions.classes
    if not classes.names:
        band = [classes.threshold, classes.threshold]
        return {"diagnosis_temperature": 1.0, "abstention": {"band": band, "reliability_threshold": 0.0}}
    logits = np.log(np.clip(lesions.probabilities, MARGIN, 1 - MARGIN))
    truth = np.array([classes.names.index(name) for name in lesions["diagnosis"]])
    temperature = fit_softmax_temperature(logits, truth)
    calibrated = softmax(logits / temperature, axis=1)
    right = np.array([classes.decide(values) for values in calibrated]) == lesions["diagnosis"]
    probability = calibrated[:, classes.positive_index]
    return {
        "diagnosis_temperature": temperature,
        "abstention": fit_abstention(probability, reliability, right, classes.threshold),
    }
