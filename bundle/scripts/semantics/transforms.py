"""Descriptions as a MONAI transform: the words follow the image through every augmentation before it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable

from scripts.errors import BundleError
from scripts.semantics.morphology import describe_lesion
from scripts.semantics.sentences import write_sentence
from scripts.semantics.terms import Thresholds


class DescribeLesiond(Randomizable, MapTransform):
    """Describe the lesion of an item in words.

    Adds ``description`` (a sentence), ``morphology`` (its terms, see `Morphology`; "" where nothing is said) and
    ``measurements`` (numbers by name). Place it after flips, rotations and crops: left becomes right with the image.

    Args:
        keys: the image (1|3, H, W) in [0, 1] and the mask (1, H, W) of 0 and 1, in this order.
        phrasing: number of the phrasing; None draws one of them at random.
        thresholds: where one term ends and the next begins.

    Raises:
        BundleError: image and mask do not fit, or the item's ``diagnosis`` says lesion where its mask is empty, or
            normal where it is not.
    """

    def __init__(
        self,
        keys: KeysCollection = ("image", "label"),
        phrasing: int | None = None,
        thresholds: Thresholds = Thresholds(),
    ) -> None:
        super().__init__(keys)
        if len(self.keys) != 2:
            raise BundleError(f"DescribeLesiond takes two keys, the image and its mask, not {list(self.keys)}.")
        self.phrasing = phrasing
        self.thresholds = thresholds

    def randomize(self, data: Any = None) -> int:
        """A number to choose the phrasing by."""
        return int(self.R.randint(2**16))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the description of one item."""
        item = dict(data)
        image, mask = (torch.as_tensor(item[key]).cpu().numpy() for key in self.keys)
        _require_lesion(item, mask, self.keys[1])
        morphology, measurements = describe_lesion(image.mean(axis=0), mask[0], self.thresholds, _aspect(item))
        phrasing = self.randomize() if self.phrasing is None else self.phrasing
        item["description"] = write_sentence(morphology, phrasing)
        item["morphology"] = morphology.as_dict()
        item["measurements"] = measurements
        return item


def _require_lesion(item: Mapping[Hashable, Any], mask: np.ndarray, key: Hashable) -> None:
    diagnosis = item.get("diagnosis")
    if diagnosis is None or mask.any() == (diagnosis != "normal"):
        return
    name = getattr(item[key], "meta", {}).get("filename_or_obj", "") or item.get("group", "an item")
    state = "is not empty" if diagnosis == "normal" else "is empty"
    raise BundleError(f'The mask "{name}" {state}, but its diagnosis is {diagnosis}. Correct the mask or the list.')


def _aspect(item: Mapping[Hashable, Any]) -> float:
    """Row spacing over column spacing; 1 where unknown."""
    spacing = item.get("source", {}).get("spacing") or (1.0, 1.0)
    return float(spacing[0]) / float(spacing[1])
