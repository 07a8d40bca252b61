"""Weighted statistics, calibration and risk-coverage, against hand-computed values and MONAI."""

import numpy as np
import pytest
import torch
from monai.metrics import compute_roc_auc

from scripts.evaluation.statistics import (
    calibration_bins,
    expected_calibration_error,
    false_positive_rate,
    rank_correlation,
    risk_coverage,
    weighted_auc,
    weighted_mean,
)


def test_auc_with_ties_is_monais():
    rng = np.random.default_rng(3)
    scores, positive = rng.integers(0, 6, 80) / 5, rng.random(80) < 0.4
    expected = compute_roc_auc(torch.tensor(scores), torch.tensor(positive).int())
    assert weighted_auc(scores, positive, np.ones((1, 80)))[0] == pytest.approx(expected)


def test_a_weight_of_two_is_the_case_twice():
    rng = np.random.default_rng(4)
    scores, positive, weights = rng.integers(0, 9, 30), rng.random(30) < 0.5, rng.integers(0, 3, (5, 30))
    for got_auc, got_mean, row in zip(
        weighted_auc(scores, positive, weights), weighted_mean(scores.astype(float), weights), weights, strict=True
    ):
        again = np.repeat(np.arange(30), row)
        assert got_auc == pytest.approx(weighted_auc(scores[again], positive[again], np.ones((1, len(again))))[0])
        assert got_mean == pytest.approx(scores[again].mean())


def test_undefined_values_are_left_out_and_a_missing_class_is_nan():
    assert weighted_mean(np.array([1.0, np.nan, 3.0]), np.ones((1, 3)))[0] == 2
    assert np.isnan(weighted_mean(np.array([np.nan]), np.ones((1, 1)))[0])
    assert np.isnan(weighted_auc(np.array([1.0, 2.0]), np.array([True, False]), np.array([[2.0, 0.0]]))[0])
    assert np.isnan(weighted_auc(np.array([]), np.array([], dtype=bool), np.ones((1, 0)))[0])


def test_calibration_error_by_hand():
    probability = np.array([0.1, 0.2, 0.6, 0.9])
    bins = calibration_bins(probability, np.array([False, True, True, True]), bins=2)
    # Bins {.1, .2} and {.6, .9}: |.15 - .5| and |.75 - 1|.
    assert expected_calibration_error(bins) == pytest.approx((0.35 + 0.25) / 2)
    assert [b["cases"] for b in bins] == [2, 2]


def test_calibration_does_not_depend_on_the_order_of_ties():
    probability = np.zeros(30)
    outcome = np.arange(30) < 15
    errors = [expected_calibration_error(calibration_bins(probability, o)) for o in (outcome, outcome[::-1])]
    assert errors == pytest.approx([0.5, 0.5])


def test_risk_falls_when_the_uncertain_are_left_out():
    confidence = np.arange(10)
    found = risk_coverage(confidence, (confidence < 2).astype(float))  # the two least confident are wrong
    risks = {point["coverage"]: point["risk"] for point in found["curve"]}
    assert (risks[1.0], risks[0.9], risks[0.8], risks[0.5]) == pytest.approx((0.2, 1 / 9, 0, 0))
    assert found["area"] == pytest.approx((1 / 9 + 2 / 10) / 10)
    tied = risk_coverage(np.ones(10), (confidence < 2).astype(float))
    assert all(point["risk"] == pytest.approx(0.2) for point in tied["curve"])


def test_false_positives_at_a_sensitivity():
    scores = np.concatenate([np.arange(1, 21), [1, 1.5, 2, 30]])  # 95 % of 20 positives: threshold 2
    assert false_positive_rate(scores, np.arange(24) < 20) == 0.5


def test_rank_correlation():
    assert rank_correlation(np.array([0.1, 0.2, 0.9]), np.array([1.0, 5.0, 6.0])) == pytest.approx(1)
    assert np.isnan(rank_correlation(np.ones(3), np.arange(3.0)))
