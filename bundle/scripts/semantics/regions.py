"""Every lesion of an image in words, one by one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from numpy.typing import NDArray
from scipy import ndimage

from scripts.errors import BundleError

from .lexicon import COUNT, NONE, Lexicon
from .measures.lesion import describe_lesion


def separate_regions(mask: NDArray, smallest: int = 1) -> list[NDArray[np.bool_]]:
    """The connected parts of a mask, largest first.

    Args:
        mask: above 0 where lesions are, shape (H, W).
        smallest: pixels that a part must have; the largest is kept whatever its size.
    """
    parts, count = ndimage.label(np.asarray(mask) > 0, structure=np.ones((3, 3), int))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    order = sorted(range(count), key=lambda index: -sizes[index])
    return [parts == index + 1 for rank, index in enumerate(order) if rank == 0 or sizes[index] >= smallest]


def describe_region(image: NDArray, region: NDArray, lexicon: Lexicon, aspect: float = 1.0) -> dict[str, str]:
    """The terms of one lesion, whatever else the image shows: of one, not of several.

    Args:
        image: one grey channel in [0, 1], shape (H, W).
        region: this lesion alone, bool, shape (H, W), not empty.
        lexicon: the words.
        aspect: row spacing over column spacing.
    """
    terms = dict(describe_lesion(image, region, lexicon, aspect).morphology)
    one = next(value for value in lexicon.terms[COUNT] if value != NONE)
    return {**terms, COUNT: one}


class DescribeRegionsd(MapTransform):
    """Tell the lesions of an item apart and describe each.

    Leaves ``regions``, the terms of each lesion, largest first, and in place of the mask the number of the lesion that
    each pixel belongs to, 1 the first, uint8 (1, H, W).

    Args:
        lexicon: the words.
        keys: the image (1|3, H, W) in [0, 1] and its mask (1, H, W), in this order.
        smallest: pixels that a part of the mask must have; smaller ones are slips of drawing.
        most: lesions that are kept.
    """

    def __init__(
        self, lexicon: Lexicon, keys: KeysCollection = ("image", "label"), smallest: int = 12, most: int = 4
    ) -> None:
        super().__init__(keys)
        if len(self.keys) != 2:
            raise BundleError(f"DescribeRegionsd takes two keys, the image and its mask, not {list(self.keys)}.")
        self.lexicon, self.smallest, self.most = lexicon, smallest, most

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Describe one item."""
        item = dict(data)
        image, mask = (torch.as_tensor(item[key]).cpu().numpy() for key in self.keys)
        parts = separate_regions(mask[0], self.smallest)[: self.most]
        item["regions"] = [describe_region(image.mean(axis=0), part, self.lexicon) for part in parts]
        numbered = np.zeros(mask.shape, np.uint8)
        for number, part in enumerate(parts, start=1):
            numbered[0][part] = number
        item[self.keys[1]] = torch.from_numpy(numbered)
        return item
