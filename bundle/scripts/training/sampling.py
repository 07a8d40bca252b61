"""How often training draws each image, and what that makes of the odds of a lesion."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from monai.data import DistributedSampler, DistributedWeightedRandomSampler
from torch.utils.data import Dataset, RandomSampler, Sampler, WeightedRandomSampler

from scripts.errors import BundleError


def sampling_weights(
    items: Sequence[Mapping[str, Any]], absent: str, set_balance: float = 0.0, normal_draws: float = 1.0
) -> list[float]:
    """What the images weigh when an epoch is drawn with replacement: small data sets and normal images are rare.

    Args:
        items: a data list, with ``diagnosis`` and ``dataset``.
        absent: the diagnosis of a normal image, one without a lesion.
        set_balance: from 0, all images weigh the same, to 1, all data sets do, before normals are counted.
        normal_draws: a normal image is drawn so many times as often as a lesion image of its data set, but all normals
            of a set no more often than all its lesions: else an image that looks like the set would look normal.

    Returns:
        A weight for each item; they do not sum to one.

    Raises:
        BundleError: if a value lies outside its range.
    """
    if not 0.0 <= set_balance <= 1.0 or normal_draws <= 0.0:
        raise BundleError(
            f"set_balance ({set_balance}) must lie in [0, 1] and normal_draws ({normal_draws}) above 0; change them."
        )
    sizes = Counter(item.get("dataset") for item in items)
    normals = Counter(item.get("dataset") for item in items if item.get("diagnosis") == absent)

    def weight(item: Mapping[str, Any]) -> float:
        name = item.get("dataset")
        drawn = (len(items) / sizes[name]) ** set_balance
        if item.get("diagnosis") != absent:
            return drawn
        lesions = sizes[name] - normals[name]
        return drawn * (min(normal_draws, lesions / normals[name]) if lesions else normal_draws)

    return [weight(item) for item in items]


def epoch_sampler(weights: Sequence[float], dataset: Dataset, seed: int | None = None) -> Sampler[int]:
    """What an epoch draws: with replacement by these weights, as many as there are; each once where all are equal.

    Args:
        weights: one for each item.
        dataset: the items.
        seed: of the shares that are dealt out to several processes; None for one process.
    """
    alike = len(set(weights)) <= 1
    if seed is None:
        return RandomSampler(dataset) if alike else WeightedRandomSampler(weights, len(weights))
    if alike:
        return DistributedSampler(dataset, shuffle=True, seed=seed)
    return DistributedWeightedRandomSampler(dataset, weights, seed=seed)


def lesion_log_odds(
    items: Sequence[Mapping[str, Any]],
    absent: str,
    other_prob: float = 0.0,
    weights: Sequence[float] | None = None,
) -> float:
    """Log-odds of a lesion that is asked for, among the images of those data sets that have normal ones.

    The evidence is trained on what was drawn, mostly lesions; at this threshold it asks for better than even odds
    where lesions and normals are equally common. A data set without normals says nothing about absence.

    Args:
        items: a data list, with ``diagnosis`` and ``dataset``.
        absent: the diagnosis of a normal image, one without a lesion.
        other_prob: share of the images that training asks for something else, which none of them shows.
        weights: how often each item is drawn; None draws all alike.

    Returns:
        The threshold for the evidence logit; 0 where no data set has both.
    """
    mixed = {item.get("dataset") for item in items if item.get("diagnosis") == absent}
    drawn = list(zip(items, weights or [1.0] * len(items), strict=True))
    normals = sum(weight for item, weight in drawn if item.get("diagnosis") == absent)
    lesions = sum(weight for item, weight in drawn if item.get("diagnosis") != absent and item.get("dataset") in mixed)
    if not (lesions and normals):
        return 0.0
    return math.log((1.0 - other_prob) * lesions / (normals + other_prob * lesions))
