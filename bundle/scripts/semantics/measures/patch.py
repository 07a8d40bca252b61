"""A lesion seen at a standard size: every measurement taken there is free of units and of the image's resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .outline import trace_outline

#: Equivalent diameter of every lesion in its patch, in patch pixels.
DIAMETER = 64.0
#: How far the patch reaches beyond the lesion's box, in equivalent diameters: above, below, left, right.
REACH = (0.4, 1.0, 0.55, 0.55)
#: Smoothing of the traced outline, in equivalent radii.
SMOOTHING = 0.05


@dataclass(frozen=True)
class LesionPatch:
    """The surroundings of one lesion, resampled so that its equivalent diameter is `DIAMETER` pixels.

    Args:
        image: echo brightness in [0, 1], shape (h, w); only what lies inside the field.
        lesion: the lesion, filled, bool, shape (h, w).
    """

    image: NDArray[np.float32]
    lesion: NDArray[np.bool_]

    @cached_property
    def radius(self) -> float:
        """Equivalent radius in patch pixels."""
        return float(np.sqrt(self.lesion.sum() / np.pi))

    @cached_property
    def outline(self) -> NDArray[np.float64]:
        """The traced outline, evenly spaced points (row, column), shape (POINTS, 2)."""
        return trace_outline(self.lesion, SMOOTHING * self.radius)

    @cached_property
    def depth(self) -> NDArray[np.float64]:
        """Distance from every pixel of the lesion to its border in equivalent radii, 0 outside, shape (h, w)."""
        return ndimage.distance_transform_edt(np.pad(self.lesion, 1))[1:-1, 1:-1] / self.radius


def separate_lesions(mask: NDArray) -> tuple[NDArray[np.bool_], int]:
    """The largest lesion of a mask, with its holes filled, and the number of lesions.

    Args:
        mask: 0/1, shape (H, W). Specks below a twentieth of the largest component do not count as lesions.

    Returns:
        The largest lesion, bool (H, W), and the number of lesions (0 for an empty mask).
    """
    inside = np.asarray(mask) > 0.5
    lesion = np.zeros(inside.shape, bool)
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return lesion, 0
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    labels, _ = ndimage.label(inside[window], structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel())[1:]
    box = ndimage.find_objects(labels)[int(areas.argmax())]
    lesion[window][box] = ndimage.binary_fill_holes(labels[box] == areas.argmax() + 1)
    return lesion, int((areas >= areas.max() / 20).sum())


def square_pixels(image: NDArray, mask: NDArray, aspect: float) -> tuple[NDArray, NDArray]:
    """Resample the rows so that a pixel is as high as it is wide.

    Args:
        image, mask: shape (H, W).
        aspect: row spacing over column spacing; 1 leaves both as they are.
    """
    if abs(aspect - 1.0) < 0.01:
        return image, mask
    rows = max(1, round(image.shape[0] * aspect))
    steps = (np.arange(rows) + 0.5) / aspect - 0.5
    grid = np.meshgrid(steps, np.arange(image.shape[1]), indexing="ij")
    image = ndimage.map_coordinates(image, grid, order=1, mode="nearest")
    return image, ndimage.map_coordinates(np.asarray(mask, np.float32), grid, order=1, mode="nearest") > 0.5


def cut_patch(image: NDArray, lesion: NDArray[np.bool_]) -> LesionPatch:
    """Cut a lesion out with its surroundings and bring it to the standard size.

    Args:
        image: values in [0, 1], shape (H, W), square pixels.
        lesion: one filled component, bool, shape (H, W), not empty.
    """
    step = 2.0 * np.sqrt(lesion.sum() / np.pi) / DIAMETER  # image pixels per patch pixel
    rows, columns = (np.flatnonzero(lesion.any(axis=axis)) for axis in (1, 0))
    above, below, left, right = (reach * DIAMETER * step for reach in REACH)
    top, bottom = max(0.0, rows[0] - above), min(image.shape[0] - 1.0, rows[-1] + below)
    start, end = max(0.0, columns[0] - left), min(image.shape[1] - 1.0, columns[-1] + right)
    shape = int((bottom - top) / step) + 1, int((end - start) / step) + 1

    window = (slice(int(top), int(bottom) + 2), slice(int(start), int(end) + 2))
    origin = top - int(top), start - int(start)
    echoes = np.asarray(image[window], np.float32)
    inside = np.asarray(lesion[window], np.float32)
    if step > 1.0:  # downsampling: average first
        echoes = ndimage.gaussian_filter(echoes, 0.4 * step)
    # Half a patch pixel, or a pixel where those are coarser, takes the staircase off the outline.
    inside = ndimage.gaussian_filter(inside, max(0.7, 0.5 * step), mode="nearest")
    sample = {"matrix": (step, step), "offset": origin, "output_shape": shape, "order": 1, "mode": "nearest"}
    outline = ndimage.affine_transform(inside, **sample) > 0.5
    if not outline.any():
        outline = ndimage.affine_transform(inside, **sample) >= inside.max() / 2
    return LesionPatch(ndimage.affine_transform(echoes, **sample), outline)
