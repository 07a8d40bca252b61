"""MCRA against hand-computed values and at its limits."""

import math

import pytest
import torch

from scripts.networks import Reliability, fuse_candidates

SCORES = torch.tensor([[0.6, 0.2, 0.0]])
SEMANTIC = torch.tensor([[0.1, 0.5, 0.3]])
CONSISTENCY = torch.tensor([[0.9, 0.5, 0.1]])
ALL = torch.ones(1, 3)


def softmax(values, tau):
    powers = [math.exp(value / tau) for value in values]
    return [power / sum(powers) for power in powers]


def weigh(valid=ALL, **options):
    return Reliability(tau_saliency=0.2, tau_semantic=0.5, **options)(SCORES, SEMANTIC, CONSISTENCY, valid)


def test_both_equals_algorithm_1():
    saliency, semantic = softmax([0.6, 0.2, 0.0], 0.2), softmax([0.1, 0.5, 0.3], 0.5)
    expected = [0.7 * a + 0.3 * b for a, b in zip(saliency, semantic, strict=True)]
    torch.testing.assert_close(weigh(mode="both", alpha=0.3), torch.tensor([expected]))


def test_alpha_limits_are_the_single_measures():
    torch.testing.assert_close(weigh(mode="both", alpha=0.0), weigh(mode="saliency"))
    torch.testing.assert_close(weigh(mode="both", alpha=1.0), weigh(mode="semantic"))


def test_consistency_scales_and_zero_exponent_is_the_paper():
    reliability = Reliability(mode="both_consistency", alpha=0.3, tau_saliency=0.2, tau_semantic=0.5)
    both = weigh(mode="both", alpha=0.3)
    with torch.no_grad():
        reliability.exponent.fill_(0.0)
        torch.testing.assert_close(reliability(SCORES, SEMANTIC, CONSISTENCY, ALL), both)
        reliability.exponent.fill_(2.0)
        expected = both * CONSISTENCY**2
        torch.testing.assert_close(reliability(SCORES, SEMANTIC, CONSISTENCY, ALL), expected / expected.sum())


@pytest.mark.parametrize("mode", ["uniform", "saliency", "semantic", "both", "both_consistency"])
def test_invalid_candidates_weigh_nothing(mode):
    weights = weigh(mode=mode, valid=torch.tensor([[1.0, 0.0, 1.0]]))
    assert weights[0, 1] == 0
    assert weights.sum().item() == pytest.approx(1.0)
    only = weigh(mode=mode, valid=torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(only, torch.tensor([[0.0, 1.0, 0.0]]))


def test_single_box_and_uniform():
    assert weigh(mode="single_box").tolist() == [[1, 0, 0]]
    torch.testing.assert_close(weigh(mode="uniform"), torch.full((1, 3), 1 / 3))


def test_fusion_is_the_weighted_sum():
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    fused = fuse_candidates(values, torch.tensor([[0.5, 0.25, 0.25]]))
    torch.testing.assert_close(fused, torch.tensor([[2.5, 3.5]]))


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="saliancy"):
        Reliability(mode="saliancy")
    with pytest.raises(ValueError, match="alpha"):
        Reliability(alpha=1.5)
