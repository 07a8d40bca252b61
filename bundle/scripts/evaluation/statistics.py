"""Statistics over cases. Those that are bootstrapped take case weights: one resample is one row of weights."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

CALIBRATION_BINS = 15
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of the defined values under each row of weights.

    Args:
        values: shape (N,); nan where undefined.
        weights: how often each case counts, shape (R, N).

    Returns:
        Shape (R,); nan where nothing counts.
    """
    defined = np.isfinite(values)
    total = weights[:, defined].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, weights[:, defined] @ values[defined] / total, np.nan)


def weighted_auc(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve under each row of weights: the weighted share of ordered pairs, ties half.

    With weights of one this is ``monai.metrics.compute_roc_auc``, which takes no weights.

    Args:
        scores: shape (N,), higher for the positive class.
        positive: shape (N,), boolean.
        weights: shape (R, N).

    Returns:
        Shape (R,), 0..1; nan where a class is missing.
    """
    order = np.argsort(scores, kind="stable")
    _, tie = np.unique(scores[order], return_inverse=True)
    starts = np.searchsorted(tie, np.arange(tie[-1] + 1 if len(tie) else 0))
    weights, positive = weights[:, order], positive[order]
    won = np.add.reduceat(weights * positive, starts, axis=1) if len(starts) else weights[:, :0]
    lost = np.add.reduceat(weights * ~positive, starts, axis=1) if len(starts) else weights[:, :0]
    pairs = (won * (np.cumsum(lost, axis=1) - lost / 2)).sum(axis=1)
    total = won.sum(axis=1) * lost.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, pairs / total, np.nan)


def calibration_bins(probability: np.ndarray, outcome: np.ndarray, bins: int = CALIBRATION_BINS) -> list[dict]:
    """Reliability diagram with bins of equal mass.

    Cases of equal probability share their outcomes, so that the order of the cases does not matter.

    Args:
        probability: shape (N,), 0..1.
        outcome: shape (N,), boolean.
        bins: their number, at most N.

    Returns:
        For each bin ``probability`` and ``fraction`` (means) and ``cases``.
    """
    _, tie = np.unique(probability, return_inverse=True)
    shared = (np.bincount(tie, outcome.astype(float)) / np.bincount(tie))[tie]
    return [
        {"probability": float(probability[b].mean()), "fraction": float(shared[b].mean()), "cases": len(b)}
        for b in np.array_split(np.argsort(probability, kind="stable"), bins)
    ]


def expected_calibration_error(bins: list[dict]) -> float:
    """Mean distance of predicted probability and observed fraction (Guo et al., ICML 2017), from calibration bins."""
    cases = sum(b["cases"] for b in bins)
    return sum(b["cases"] * abs(b["probability"] - b["fraction"]) for b in bins) / cases


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation, -1..1; nan when one side is constant or has fewer than two cases."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def false_positive_rate(scores: np.ndarray, positive: np.ndarray, sensitivity: float = 0.95) -> float:
    """Share of negatives at or above the highest threshold that still finds ``sensitivity`` of the positives."""
    found = np.sort(scores[positive])[::-1]
    threshold = found[int(np.ceil(sensitivity * len(found) - 1e-9)) - 1]
    return float((scores[~positive] >= threshold).mean())


def risk_coverage(confidence: np.ndarray, risk: np.ndarray) -> dict:
    """How the mean risk falls when the least confident cases are left out.

    Cases of equal confidence share their risks.

    Args:
        confidence: shape (N,).
        risk: shape (N,), for example 1 - Dice, or 1 for a wrong diagnosis.

    Returns:
        ``curve``: ``coverage`` and ``risk`` at the coverages of ``COVERAGES``; ``area``: the mean over all coverages.
    """
    _, tie = np.unique(-confidence, return_inverse=True)
    shared = (np.bincount(tie, risk) / np.bincount(tie))[tie]
    kept = np.cumsum(shared[np.argsort(tie, kind="stable")]) / np.arange(1, len(risk) + 1)
    curve = [{"coverage": c, "risk": float(kept[max(round(c * len(kept)), 1) - 1])} for c in COVERAGES]
    return {"curve": curve, "area": float(kept.mean())}
