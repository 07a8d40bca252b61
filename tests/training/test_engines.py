"""What goes between data lists, engines and metrics."""

import math

import pytest

from scripts.training import EncodeDiagnosisd, lesion_log_odds


def test_diagnoses_become_numbers_and_unknown_ones_teach_nothing():
    encode = EncodeDiagnosisd()
    found = [encode({"diagnosis": word})["diagnosis"] for word in ("benign", "malignant", "normal")]
    assert found == [0, 1, -1] and encode({})["diagnosis"] == -1


def test_log_odds_count_only_sets_with_normals():
    def items(dataset, **counts):
        return [{"dataset": dataset, "diagnosis": word} for word, count in counts.items() for _ in range(count)]

    busi = items("busi", benign=4, malignant=2, normal=2)
    assert lesion_log_odds(busi) == pytest.approx(math.log(3))
    assert lesion_log_odds(busi + items("busbra", benign=50)) == pytest.approx(math.log(3))
    assert lesion_log_odds(busi, other_prob=0.25) == pytest.approx(math.log(4.5 / 3.5))
    assert lesion_log_odds(items("busbra", benign=5)) == 0
    assert lesion_log_odds([{"image": "a", "label": "b"}]) == 0
