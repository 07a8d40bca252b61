"""Size and place of a lesion in the image, and the texture of the tissue around it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Grain at which tissue is compared, as a share of the field's diagonal.
GRAIN = 0.03


def find_field(image: NDArray) -> tuple[slice, slice]:
    """The part of an image that is not padding: what is left when border rows and columns of pure zeros go.

    Args:
        image: shape (H, W).
    """
    rows, columns = (np.flatnonzero((image > 0).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return slice(0, image.shape[0]), slice(0, image.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def measure_place(lesion: NDArray[np.bool_]) -> dict[str, float]:
    """Size and centroid of a lesion relative to its image.

    Args:
        lesion: bool, shape (H, W), the image's field without padding; not empty.

    Returns:
        relative_size: root of the lesion's share of the image area, in (0, 1].
        relative_depth, relative_column: centroid over height and width, in (0, 1); 0 is the top, the left.
    """
    row, column = (np.argwhere(lesion).mean(axis=0) + 0.5) / lesion.shape
    return {
        "relative_size": float(np.sqrt(lesion.mean())),
        "relative_depth": float(row),
        "relative_column": float(column),
    }


def name_place(measured: Mapping[str, float], off_centre: float) -> str:
    """``centre``, or the quadrant of the image.

    Args:
        measured: has ``relative_depth`` and ``relative_column``.
        off_centre: distance from the middle, as a share of height and width, within which a lesion is in the centre.
    """
    row, column = measured["relative_depth"] - 0.5, measured["relative_column"] - 0.5
    if max(abs(row), abs(column)) < off_centre:
        return "centre"
    return f"{'upper' if row < 0 else 'lower'} {'left' if column < 0 else 'right'}"


def measure_tissue(image: NDArray, mask: NDArray) -> dict[str, float]:
    """How uneven the tissue is outside any lesion and what lies behind it.

    Brightness is averaged over grains, divided by its mean at the same depth (so that gain and attenuation along
    the beam do not count), and its spread is taken.

    Args:
        image: values in [0, 1], shape (H, W). mask: lesions, same shape.

    Returns:
        tissue_spread: standard deviation of the relative brightness; 0 for layers of even tissue.
    """
    hidden = np.maximum.accumulate(_coarsen(mask) > 0, axis=0)  # lesions, their shadows and enhancements
    image, outside = _coarsen(image), (~hidden).astype(np.float32)
    sigma = GRAIN * float(np.hypot(*image.shape))
    weight = ndimage.gaussian_filter(outside, sigma)
    level = ndimage.gaussian_filter(image * outside, sigma) / np.maximum(weight, 1e-6)
    known = (outside > 0) & (weight > 0.2)
    if not known.any():
        return {"tissue_spread": 0.0}
    depth = np.where(known, level, 0).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return {"tissue_spread": float((level / (depth + 0.02))[known].std())}


def _coarsen(image: NDArray) -> NDArray[np.float32]:
    """Block means with at least 64 blocks along the shorter side, or the image itself where that is shorter."""
    block = max(1, min(image.shape) // 64)
    rows, columns = (side // block for side in image.shape)
    kept = np.asarray(image[: rows * block, : columns * block], np.float32)
    return kept.reshape(rows, block, columns, block).mean(axis=(1, 3))
