"""How often training draws each image, and the odds of a lesion that follow."""

import math

import pytest
import torch

from scripts.errors import BundleError
from scripts.training import epoch_sampler, lesion_log_odds, sampling_weights


def items(dataset, **counts):
    return [{"dataset": dataset, "diagnosis": word} for word, count in counts.items() for _ in range(count)]


BUSI = items("busi", benign=4, malignant=2, normal=2)
BUSBRA = items("busbra", benign=24)


def test_small_sets_and_normals_are_drawn_more_often():
    assert sampling_weights(BUSI + BUSBRA, "normal") == [1.0] * 32
    balanced = sampling_weights(BUSI + BUSBRA, "normal", set_balance=1)
    assert sum(balanced[:8]) == pytest.approx(sum(balanced[8:]))
    half = sampling_weights(BUSI + BUSBRA, "normal", set_balance=0.5)
    assert sum(half[8:]) / sum(half[:8]) == pytest.approx(math.sqrt(3))
    assert sampling_weights(BUSI, "normal", normal_draws=3) == [1.0] * 6 + [3.0] * 2
    assert sampling_weights([{"image": "a", "label": "b"}], "normal", 1, 3) == [1.0]


def test_all_normals_of_a_set_are_drawn_no_more_often_than_all_its_lesions():
    sweeps = items("busuclm", benign=2, normal=8)
    assert sampling_weights(sweeps, "normal", normal_draws=3) == [1.0] * 2 + [0.25] * 8
    assert sampling_weights(items("screening", normal=4), "normal", normal_draws=3) == [3.0] * 4


def test_log_odds_count_only_sets_with_normals():
    assert lesion_log_odds(BUSI, "normal") == pytest.approx(math.log(3))
    assert lesion_log_odds(BUSI + BUSBRA, "normal") == pytest.approx(math.log(3))
    assert lesion_log_odds(BUSI, "normal", other_prob=0.25) == pytest.approx(math.log(4.5 / 3.5))
    assert lesion_log_odds(BUSBRA, "normal") == 0
    assert lesion_log_odds([{"image": "a", "label": "b"}], "normal") == 0


def test_log_odds_follow_what_is_drawn():
    two = BUSI + items("hospital", benign=30, normal=2)
    drawn = sampling_weights(two, "normal", 1, 3)
    # Both sets weigh 40 in all before normals: of 8 and of 32 images.
    expected = math.log((6 * 5 + 30 * 1.25) / (3 * (2 * 5 + 2 * 1.25)))
    assert lesion_log_odds(two, "normal", weights=drawn) == pytest.approx(expected)
    assert lesion_log_odds(two, "normal", weights=sampling_weights(two, "normal", 0, 3)) != pytest.approx(expected)


@pytest.mark.parametrize("balance, draws", [(-0.1, 1), (1.1, 1), (0.5, 0)])
def test_values_outside_their_range_end_in_one_sentence(balance, draws):
    with pytest.raises(BundleError, match="set_balance .* normal_draws .*; change them"):
        sampling_weights(BUSI, "normal", balance, draws)


def test_an_epoch_draws_by_weight_and_each_once_where_all_weigh_the_same():
    dataset = list(range(1000))
    assert sorted(epoch_sampler([2.0] * 1000, dataset)) == dataset
    torch.manual_seed(0)
    drawn = list(epoch_sampler([1.0] * 500 + [3.0] * 500, dataset))
    assert len(drawn) == 1000 and sum(index >= 500 for index in drawn) == pytest.approx(750, abs=60)


def test_several_processes_draw_alike(monkeypatch):
    dataset, shares, weighted = list(range(100)), [], []
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "is_available", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_world_size", lambda *group: 2)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda *group, rank=rank: rank)
        shares += list(epoch_sampler([1.0] * 100, dataset, seed=1))
        weighted += list(epoch_sampler([1.0] * 50 + [9.0] * 50, dataset, seed=1))
    assert sorted(shares) == dataset
    assert len(weighted) == 100 and sum(index >= 50 for index in weighted) > 75
