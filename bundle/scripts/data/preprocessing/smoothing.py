"""The Gaussian that an image is smoothed with before it shrinks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.networks.layers import gaussian_1d
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type
from torch import Tensor
from torch.nn import functional as F

#: Standard deviations at which MONAI cuts the Gaussian off.
_TRUNCATED = 4.0


class SmoothBeforeShrinkingd(MapTransform):
    """Do what ``anti_aliasing`` of MONAI's ``Resized`` does, in a fraction of the time; ``Resized`` then shrinks alone.

    MONAI's convolution of large images with so small a kernel is slow on a CPU. The sum of shifted images has the same
    bits.

    Args:
        keys: entries of shape (C, H, W).
        longest: pixels of the longest side after shrinking, as ``Resized`` with ``size_mode`` "longest" takes them.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, longest: int, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.longest = longest

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            sides = image.shape[1:]
            if max(sides) > self.longest:
                shrunk = [round(side * self.longest / max(sides)) for side in sides]
                factors = torch.tensor(sides, dtype=torch.float32) / torch.tensor(shrunk, dtype=torch.float32)
                smooth = torch.as_tensor(image, dtype=torch.float32)
                for axis, factor in enumerate(factors, start=1):
                    if factor > 1:
                        smooth = _convolve(smooth, gaussian_1d((factor - 1) / 2, _TRUNCATED, "erf"), axis)
                item[key] = convert_to_dst_type(smooth, image)[0]
        return item


def _convolve(image: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """An image (C, H, W), zero outside, convolved with a symmetric kernel of odd length along an axis."""
    reach, side = len(kernel) // 2, image.shape[axis]
    padded = F.pad(image, (reach, reach) if axis == 2 else (0, 0, reach, reach))
    result = padded.narrow(axis, 0, side) * kernel[0]
    for place in range(1, len(kernel)):
        result.add_(padded.narrow(axis, place, side), alpha=float(kernel[place]))
    return result
