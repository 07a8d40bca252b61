"""The MONAI transforms that bring an ultrasound image into memory, for training, MONAI Label and inference alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from scripts.errors import BundleError

from scripts.data.image_files import read_picture, unit_range
from scripts.data.reasons import ReadingProblem

#: ITU-R BT.601 luma weights of red, green and blue.
_LUMA = (0.299, 0.587, 0.114)


class LoadUltrasoundd(MapTransform):
    """Load an ultrasound image as a MetaTensor (C, H, W), C = 1 or 3, float32 in [0, 1], rows before columns.

    Args:
        keys: the item's image entry or entries: a path.
        record_failures: if True nothing raises (see ``status`` and ``reason``).
        allow_missing_keys: as in MONAI.

    Raises:
        BundleError: a file that cannot be read, unless ``record_failures``.
    """

    def __init__(
        self, keys: KeysCollection = "image", record_failures: bool = False, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.record_failures = record_failures

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            path = str(item[key])
            try:
                values = read_picture(path)
            except ReadingProblem as problem:
                raise BundleError(f"{path} cannot be read: {problem.reason}.") from None
            full_scale = 65535.0 if values.dtype == np.uint16 else 255.0
            image = unit_range(values, full_scale)
            rows, columns = image.shape[1:]
            item[key] = MetaTensor(torch.from_numpy(image), meta={"filename_or_obj": path})
            item["source"] = {
                "rows": rows, "columns": columns, "crop": [0, 0, rows, columns],
                "spacing": [], "spacing_provenance": "unknown", "color_flow": False,
            }  # fmt: skip
        return item


class EnsureThreeChannelsd(MapTransform):
    """Give the network its three equal channels: gray is repeated, colour is reduced to its luma first.

    The training images are gray; a tinted display map or a coloured caliper must not look like something else.
    Equal channels stay as they are.

    Args:
        keys: entries of shape (1, H, W) or (3, H, W).
        allow_missing_keys: as in MONAI.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            if image.shape[0] == 3 and not (torch.equal(image[0], image[1]) and torch.equal(image[0], image[2])):
                image = (image * image.new_tensor(_LUMA).view(3, 1, 1)).sum(dim=0, keepdim=True)
            item[key] = image.expand(3, -1, -1).contiguous() if image.shape[0] == 1 else image
        return item
