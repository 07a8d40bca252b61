"""One channel where an image is gray, three for the network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

#: ITU-R BT.601 luma weights of red, green and blue.
_LUMA = (0.299, 0.587, 0.114)


class OneGrayChanneld(MapTransform):
    """At a gray site, leave one channel of an image: what follows costs a third. An image of another site stays.

    Colour is reduced to its luma: a tinted display map or a coloured caliper must not look like something else.

    Args:
        keys: entries of shape (1, H, W) or (3, H, W).
        gray: the site's images are gray by nature.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, gray: bool = True, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.gray = gray

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = _one_channel(item[key]) if self.gray else item[key]
        return item


class EnsureThreeChannelsd(MapTransform):
    """Give the network its three channels: gray is repeated, and at a gray site colour is reduced to its luma first.

    Equal channels stay as they are.

    Args:
        keys: entries of shape (1, H, W) or (3, H, W).
        gray: reduce colour to its luma.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, gray: bool = True, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.gray = gray

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            if self.gray and not is_gray(image):
                image = _one_channel(image)
            item[key] = image.expand(3, -1, -1).contiguous() if image.shape[0] == 1 else image
        return item


def is_gray(image: torch.Tensor) -> bool:
    """One channel, or three alike."""
    return image.shape[0] == 1 or (torch.equal(image[0], image[1]) and torch.equal(image[0], image[2]))


def _one_channel(image: torch.Tensor) -> torch.Tensor:
    if is_gray(image):
        return image[:1]
    return (image * image.new_tensor(_LUMA).view(3, 1, 1)).sum(dim=0, keepdim=True)
