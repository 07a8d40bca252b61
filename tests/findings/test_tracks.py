"""Lesions are followed by overlap, and frames and views give one answer by rules that can be read."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.errors import BundleError
from scripts.findings.measurements import connected_parts
from scripts.findings.tracks import (
    Reading,
    StudyRules,
    Tracker,
    combine,
    disagree,
    intersection_over_union,
    join_readings,
)
from scripts.sites import Classes

RULES = StudyRules()
CLASSES = Classes(("benign", "malignant"), "malignant")


def frame(*boxes: tuple[int, int, int, int]) -> list:
    """A frame of 40 by 60 pixels with a rectangle for every box (top, left, bottom, right)."""
    mask = np.zeros((40, 60), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return list(connected_parts(mask))


def follow(*frames: list, rules: StudyRules = RULES) -> list[list[int]]:
    tracker = Tracker(rules)
    return [tracker.follow(parts) for parts in frames]


def test_a_moving_lesion_is_one_track() -> None:
    assert follow(*(frame((5, 4 * step, 20, 12 + 4 * step)) for step in range(10))) == [[0]] * 10


def test_two_lesions_keep_their_tracks_when_the_larger_changes() -> None:
    one, other, grown = (0, 0, 20, 20), (0, 30, 15, 50), (0, 28, 24, 54)
    assert follow(frame(one, other), frame(one, grown), frame(other)) == [[0, 1], [1, 0], [1]]


def test_a_lesion_that_returns_within_the_gap_is_the_same() -> None:
    seen, gone = frame((5, 5, 20, 20)), []
    assert follow(seen, gone, seen) == [[0], [], [0]]
    assert follow(seen, gone, gone, seen) == [[0], [], [], [1]]
    assert follow(seen, gone, gone, seen, rules=StudyRules(gap=2)) == [[0], [], [], [0]]


def test_what_does_not_overlap_enough_is_another_lesion() -> None:
    assert follow(frame((0, 0, 10, 10)), frame((0, 20, 10, 30))) == [[0], [1]]
    # IoU of 4 x 10 in 16 x 10 is a quarter.
    shifted = [frame((0, 0, 10, 10)), frame((0, 6, 10, 16))]
    assert follow(*shifted, rules=StudyRules(overlap=0.25)) == [[0], [0]]
    assert follow(*shifted, rules=StudyRules(overlap=0.26)) == [[0], [1]]


def test_of_two_parts_only_the_one_that_overlaps_most_goes_on() -> None:
    assert follow(frame((0, 0, 10, 40)), frame((0, 0, 10, 12), (0, 14, 10, 40))) == [[0], [0, 1]]
    assert follow(frame((0, 0, 10, 12), (0, 14, 10, 40)), frame((0, 0, 10, 40))) == [[0, 1], [0]]


def test_overlap_is_of_masks_not_of_boxes() -> None:
    lower = np.tril(np.ones((10, 10), bool), -1)
    box = (3, 4, 13, 14)
    assert intersection_over_union((box, lower), (box, lower.T)) == 0
    assert intersection_over_union((box, lower), (box, lower)) == 1


@pytest.mark.parametrize(
    ("rule", "told"), [("mean", 0.5), ("reliability_weighted_mean", 0.66), ("median", 0.4), ("max", 0.9)]
)
def test_probabilities_are_combined_by_the_rule(rule: str, told: float) -> None:
    assert combine([0.2, 0.9, 0.4], [0.2, 0.6, 0.2], rule) == pytest.approx(told)
    assert combine([0.2, 0.4], [0.0, 0.0], "reliability_weighted_mean") == pytest.approx(0.3)


def test_the_combined_probability_decides_between_two_classes() -> None:
    readings = [Reading("benign", 0.3, 0.6, False), Reading("malignant", 0.8, 0.9, True)]
    assert join_readings(readings, RULES, CLASSES) == Reading("malignant", 0.55, 0.9, True)
    assert join_readings([readings[0], *readings], RULES, CLASSES).indeterminate is False
    assert join_readings([Reading("benign", 0.3, 0.6)], RULES, CLASSES).indeterminate is None


def test_of_many_classes_the_most_frequent_diagnosis_is_told_and_of_none_nothing() -> None:
    rust, mildew = Reading("rust", 0.1, 0.5), Reading("mildew", 0.7, 0.9)
    leaf = Classes(("mildew", "rust", "blight"), "mildew")
    assert join_readings([rust, mildew, rust], RULES, leaf).diagnosis == "rust"
    assert join_readings([rust, mildew], RULES, leaf).diagnosis == "mildew"
    assert join_readings([Reading("", None, 0.4)], RULES, Classes()) == Reading("", None, 0.4)


def test_views_disagree_in_determinate_diagnoses_or_wide_probabilities() -> None:
    benign, malignant = Reading("benign", 0.4, 0.8, False), Reading("malignant", 0.6, 0.8, False)
    doubtful = Reading("malignant", 0.6, 0.8, True)
    assert disagree([benign, malignant], RULES)
    assert not disagree([benign, doubtful], RULES) and not disagree([benign, benign], RULES)
    assert disagree([benign, Reading("malignant", 0.95, 0.8, True)], RULES)
    assert not disagree([benign, Reading("malignant", 0.95, 0.8, True)], StudyRules(disagree_from=0.6))
    assert not disagree([Reading("", None, 0.8)] * 2, RULES)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"combine": "median_"}, "combine"), ({"pictures": "all"}, "file, folder"), ({"overlap": 0}, "overlap 0"),
     ({"gap": -1}, "gap -1"), ({"disagree_from": 2}, "disagree_from 2")],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(change: dict, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        StudyRules(**change)
