"""Folds of a data list, for predictions of images that a network has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monai.data import partition_dataset_classes

from scripts.errors import BundleError


def without_fold(items: Sequence[dict[str, Any]], fold: int | None, folds: int = 3) -> list[dict[str, Any]]:
    """A data list without one fold of its groups: what to train on.

    Args:
        items: of :func:`scripts.data.load_datalist`.
        fold: 0 ... ``folds`` - 1; None leaves the list whole.
        folds: their number. Each holds as many groups of each dataset and diagnosis as the others, in every run the
            same.

    Returns:
        Items, in their old order.

    Raises:
        BundleError: there is no such fold, or a dataset has fewer groups of a diagnosis than folds.
    """
    held_out = set() if fold is None else _held_out(items, fold, folds)
    return [item for item in items if item["group"] not in held_out]


def only_fold(items: Sequence[dict[str, Any]], fold: int | None, folds: int = 3) -> list[dict[str, Any]]:
    """One fold of a data list: what :func:`without_fold` leaves out, or the whole list where ``fold`` is None."""
    if fold is None:
        return list(items)
    held_out = _held_out(items, fold, folds)
    return [item for item in items if item["group"] in held_out]


def _held_out(items: Sequence[dict[str, Any]], fold: int, folds: int) -> set[str]:
    kinds = {item["group"]: f"{item['dataset']} {item['diagnosis']}" for item in items}
    fewest, kind = min((count, kind) for kind, count in Counter(kinds.values()).items())
    if not (0 <= fold < folds and 2 <= folds <= fewest):
        remedy = "add images of other patients" if fewest < 2 else f"choose --folds from 2 to {fewest}, --fold below it"
        raise BundleError(
            f'Fold {fold} of {folds} cannot be made: there are {fewest} groups of "{kind}". Each data set needs as '
            f"many groups (patients) of each of its diagnoses as there are folds, at least 2: {remedy}."
        )
    groups = sorted(kinds)
    parts = partition_dataset_classes(groups, [kinds[group] for group in groups], num_partitions=folds, shuffle=True)
    return set(parts[fold])
