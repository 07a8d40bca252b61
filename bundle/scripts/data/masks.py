"""Lesion masks: one or several files, united."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from scripts.errors import BundleError

from .mask_files import read_mask

logger = logging.getLogger("rad_vlsm")

#: No lesion fills so much of a frame, which shows its surroundings and the device's text too; an inverted mask does.
_SUSPICIOUS_SHARE = 0.75


class LoadMaskUniond(MapTransform):
    """Load a list of mask files and unite them into one lesion mask.

    ``data[key]`` is a path or a list of paths of one size, that of the image where one was loaded before by
    :class:`scripts.data.LoadUltrasoundd`; it becomes a MetaTensor (1, rows, columns), float32, 0 or 1.

    Args:
        keys: where the paths are, and where the masks go.
        cropped: cut the mask to the part of the file that was loaded as the image (``source``), as training needs it;
            otherwise it stays as large as the file's frame.
        absent: the ``diagnosis`` of an image without a lesion.
        allow_missing_keys: whether an item without the key passes unchanged.

    A mask that is unlikely but possible (very large, or a lesion in an image that is listed as without one) is named in
    a warning.

    Raises:
        BundleError: no mask is named, one cannot be read or covers the whole image, an image of a lesion has an empty
            one, sizes differ, or the whole lesion would be cut off.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        cropped: bool = False,
        absent: str = "normal",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.cropped, self.absent = cropped, absent

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the paths by their united mask."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self._unite(d[key])
            self._check_size(d[key], d.get("source"))
            self._check_lesion(d[key], d.get("diagnosis"))
            if self.cropped and d.get("source"):
                d[key] = self._crop(d[key], d["source"]["crop"])
        return d

    @staticmethod
    def _crop(mask: MetaTensor, crop: Sequence[int]) -> MetaTensor:
        top, left, bottom, right = crop
        inside = mask[:, top:bottom, left:right]
        if mask.any() and not inside.any():
            raise BundleError(
                f'The mask "{mask.meta["filename_or_obj"]}" lies outside its image\'s B-mode region, as the header '
                "gives it. Draw it anew or take the image off the list."
            )
        return inside

    @staticmethod
    def _check_size(mask: MetaTensor, source: Mapping[str, Any] | None) -> None:
        rows, columns = mask.shape[1:]
        if source and (rows, columns) != (source["rows"], source["columns"]):
            raise BundleError(
                f'The mask "{mask.meta["filename_or_obj"]}" has {rows} x {columns} pixels, but its image has '
                f"{source['rows']} x {source['columns']}. Replace one of them."
            )

    def _check_lesion(self, mask: MetaTensor, diagnosis: str | None) -> None:
        name, share = mask.meta["filename_or_obj"], float(mask.mean())
        if diagnosis not in (None, self.absent) and share == 0:
            raise BundleError(
                f'The mask "{name}" is empty, but its image is listed as {diagnosis}. Draw the lesion, list the image '
                f"as {self.absent}, or take it off the list."
            )
        if share > _SUSPICIOUS_SHARE:
            logger.warning('The mask "%s" covers %.0f %% of its image: is it inverted?', name, 100 * share)
        elif diagnosis == self.absent and share > 0:
            logger.warning('The mask "%s" shows a lesion, but its image is listed as %s.', name, diagnosis)

    @staticmethod
    def _unite(paths: str | Path | Sequence[str | Path]) -> MetaTensor:
        paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
        if not paths:
            raise BundleError("An item names no mask. A normal image names one empty mask: check the data list.")
        union = read_mask(paths[0])
        for path in paths[1:]:
            mask = read_mask(path)
            if mask.shape != union.shape:
                raise BundleError(
                    f'The mask "{path}" has {mask.shape[0]} x {mask.shape[1]} pixels, but "{paths[0]}" of the same '
                    f"image has {union.shape[0]} x {union.shape[1]}. Replace one of them."
                )
            union = union | mask
        values = torch.from_numpy(union.astype(np.float32))[None]
        return MetaTensor(values, meta={"filename_or_obj": str(paths[0])})
