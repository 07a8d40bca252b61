"""Folds part a list by its groups, alike in class, the same in every run."""

from collections import Counter

import pytest

from scripts.data import only_fold, without_fold
from scripts.errors import BundleError

ITEMS = [
    {"image": f"{i}", "group": f"{dataset}/{i // 2}", "dataset": dataset, "diagnosis": "benign" if i < 36 else "normal"}
    for dataset in ("one", "two")
    for i in range(48)
]


def test_each_image_is_held_out_once_and_groups_stay_together():
    held = [only_fold(ITEMS, fold) for fold in range(3)]
    assert Counter(id(item) for fold in held for item in fold) == Counter(id(item) for item in ITEMS)
    for fold, items in enumerate(held):
        rest = without_fold(ITEMS, fold)
        assert len(rest) + len(items) == len(ITEMS)
        assert not {item["group"] for item in rest} & {item["group"] for item in items}
        assert Counter((item["dataset"], item["diagnosis"]) for item in items) == {
            ("one", "benign"): 12, ("one", "normal"): 4, ("two", "benign"): 12, ("two", "normal"): 4,
        }  # fmt: skip
    assert only_fold(ITEMS, 1) == held[1]


def test_without_a_fold_the_list_is_whole():
    assert only_fold(ITEMS, None) == without_fold(ITEMS, None) == ITEMS


@pytest.mark.parametrize(("fold", "folds"), [(3, 3), (-1, 3), (0, 1), (0, 7)])
def test_folds_that_cannot_be_are_named(fold, folds):
    with pytest.raises(BundleError, match=f'Fold {fold} of {folds} cannot be made: there are 6 groups of "one normal"'):
        only_fold(ITEMS, fold, folds)


def test_the_least_number_of_groups_is_named():
    sentence = 'there are 1 groups of "one normal".*at least 2: add images of other patients'
    with pytest.raises(BundleError, match=sentence):
        without_fold([{**ITEMS[0], "diagnosis": "normal"}], 0)
