"""From the network's masks to masks on the file's own grid; MONAI's ``Invertd`` and ``AsDiscreted`` stand between."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_tensor

from .measurements import box_of


class MaskProbabilitiesd(Transform):
    """Take mask logits out of the network's outputs as probabilities, which survive interpolation better than logits.

    Args:
        masks: key to create, by the name of the output: ``{"mask": "gated_mask_logits"}``.
        outputs_key: where the outputs of one image lie; logits of shape (1, S, S).
    """

    def __init__(self, masks: Mapping[str, str], outputs_key: str = "pred") -> None:
        self.masks = dict(masks)
        self.outputs_key = outputs_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the probabilities, MetaTensors (1, S, S), float32 in [0, 1], on the CPU."""
        d = dict(data)
        for key, name in self.masks.items():
            logits = convert_to_tensor(d[self.outputs_key][name], track_meta=False)
            d[key] = MetaTensor(torch.sigmoid(logits.float()).cpu())
        return d


class WithinBoxd(MapTransform):
    """Apply transforms that change nothing where a mask is empty to the box around it alone, and not to an empty mask.

    Args:
        keys: masks of shape (1, H, W), 0 or 1.
        transforms: MONAI's array transforms, such as ``FillHoles``; called in turn, each keeps the shape.
        allow_missing_keys: as in MONAI.
    """

    def __init__(
        self, keys: KeysCollection, transforms: Sequence[Callable[[Any], Any]], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transforms = tuple(transforms)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each entry by a plain tensor of the same shape."""
        d = dict(data)
        for key in self.key_iterator(d):
            mask = d[key] = convert_to_tensor(d[key], track_meta=False).clone()
            inside = mask[0].cpu().numpy() > 0
            if inside.any():
                top, left, bottom, right = box_of(inside)
                # With a margin, so that what is outside of the mask stays connected around it.
                window = ..., slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)
                part = mask[window]
                for transform in self.transforms:
                    part = transform(part)
                mask[window] = part
        return d


class PasteCropd(MapTransform):
    """Paste what belongs to the analysed crop into the file's full grid; outside it is zero.

    Args:
        keys: entries of shape (C, bottom - top, right - left).
        source_key: ``source`` as written by :class:`scripts.data.LoadUltrasoundd`: ``rows``, ``columns``, ``crop``.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, source_key: str = "source", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.source_key = source_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each entry by (C, rows, columns), a plain tensor."""
        d = dict(data)
        source = d[self.source_key]
        top, left, bottom, right = (int(edge) for edge in source["crop"])
        for key in self.key_iterator(d):
            values = convert_to_tensor(d[key], track_meta=False)
            full = values.new_zeros((values.shape[0], int(source["rows"]), int(source["columns"])))
            full[:, top:bottom, left:right] = values
            d[key] = full
        return d
