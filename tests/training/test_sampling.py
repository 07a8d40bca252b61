"""How often training draws each image, and the odds of a lesion that follow."""

import math

import pytest
import torch

from scripts.training import epoch_sampler, lesion_log_odds, sampling_weights


def items(dataset, **counts):
    return [{"dataset": dataset, "diagnosis": word} for word, count in counts.items() for _ in range(count)]


BUSI = items("busi", benign=4, malignant=2, normal=2)
BUSBRA = items("busbra", benign=24)


def test_small_sets_and_normals_are_drawn_more_often():
    assert sampling_weights(BUSI + BUSBRA) == [1.0] * 32
    balanced = sampling_weights(BUSI + BUSBRA, set_balance=1)
    assert sum(balanced[:8]) == pytest.approx(sum(balanced[8:]))
    half = sampling_weights(BUSI + BUSBRA, set_balance=0.5)
    assert sum(half[8:]) / sum(half[:8]) == pytest.approx(math.sqrt(3))
    assert sampling_weights(BUSI, normal_weight=3) == [1.0] * 6 + [3.0] * 2
    assert sampling_weights([{"image": "a", "label": "b"}], 1, 3) == [1.0]


def test_log_odds_count_only_sets_with_normals():
    assert lesion_log_odds(BUSI) == pytest.approx(math.log(3))
    assert lesion_log_odds(BUSI + BUSBRA) == pytest.approx(math.log(3))
    assert lesion_log_odds(BUSI, other_prob=0.25) == pytest.approx(math.log(4.5 / 3.5))
    assert lesion_log_odds(BUSBRA) == 0
    assert lesion_log_odds([{"image": "a", "label": "b"}]) == 0


def test_log_odds_follow_what_is_drawn():
    everything = BUSI + BUSBRA
    assert lesion_log_odds(everything, weights=sampling_weights(everything, 1, 3)) == pytest.approx(0)


def test_an_epoch_draws_by_weight_and_each_once_where_all_weigh_the_same():
    assert sorted(epoch_sampler([2.0] * 9)) == list(range(9))
    torch.manual_seed(0)
    drawn = list(epoch_sampler([1.0] * 500 + [3.0] * 500))
    assert len(drawn) == 1000 and sum(index >= 500 for index in drawn) == pytest.approx(750, abs=60)
