"""Lesion masks: one or several files, united."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from PIL import Image, UnidentifiedImageError

from scripts.errors import BundleError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
LOSSY = (".jpg", ".jpeg")
VOLUMES = (".nii", ".nii.gz")


def read_mask(path: str | Path) -> np.ndarray:
    """One mask file as booleans.

    Every value above zero is lesion, so 0/1, 0/255 and numbered lesions all serve; in a JPEG, whose
    zeros are blurred by compression, every value above 127.

    Args:
        path: PNG, JPEG, BMP, TIFF, or a NIfTI of one slice, whose first axis runs along the columns.

    Returns:
        Shape (rows, columns).

    Raises:
        BundleError: the file is missing, unreadable, of another kind, or has more than one slice.
    """
    path = Path(path)
    name = path.name.lower()
    if not path.is_file():
        raise BundleError(f'The mask "{path}" does not exist. Check the data list.')
    try:
        if name.endswith(PICTURES):
            with Image.open(path) as picture:
                gray = np.asarray(picture.convert("L"))
            return gray > (127 if name.endswith(LOSSY) else 0)
        if name.endswith(VOLUMES):
            values = np.asarray(nib.load(path).dataobj)
        else:
            raise BundleError(f'The mask "{path}" is of an unknown kind. Give a PNG, JPEG, BMP, TIFF or NIfTI file.')
    except (UnidentifiedImageError, OSError, EOFError, nib.filebasedimages.ImageFileError) as error:
        raise BundleError(f'The mask "{path}" cannot be read. Replace the file.') from error
    if values.ndim < 2 or any(size != 1 for size in values.shape[2:]):
        raise BundleError(f'The mask "{path}" has shape {values.shape}. Give one slice.')
    return values.reshape(values.shape[:2]).T > 0


class LoadMaskUniond(MapTransform):
    """Load a list of mask files and unite them into one lesion mask.

    ``data[key]`` is a path or a list of paths of one size, that of the image where one was loaded before by
    :class:`scripts.data.LoadUltrasoundd`; it becomes a MetaTensor (1, rows, columns), float32, 0 or 1.

    Args:
        keys: where the paths are, and where the masks go.
        cropped: cut the mask to the part of the file that was loaded as the image (``source``), as training needs it;
            otherwise it stays as large as the file's frame.
        allow_missing_keys: whether an item without the key passes unchanged.

    Raises:
        BundleError: no mask is named, one cannot be read, sizes differ, or the whole lesion would be cut off.
    """

    def __init__(
        self, keys: KeysCollection = "label", cropped: bool = False, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.cropped = cropped

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the paths by their united mask."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self._unite(d[key])
            self._check_size(d[key], d.get("source"))
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
