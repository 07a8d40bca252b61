"""Size of a lesion from its mask, as a sonographer would measure it with calipers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

#: The columns of predictions.csv that these functions fill.
SIZE_COLUMNS = ("area_px", "area_mm2", "long_axis_mm", "short_axis_mm")


def measure_size(mask: np.ndarray, spacing: Sequence[float]) -> dict[str, int | float | str]:
    """Area, long and short axis of a mask; lengths only where the spacing is known.

    Args:
        mask: shape (rows, columns), above 0 where the lesion is.
        spacing: [row_mm, column_mm], or empty where unknown.

    Returns:
        ``area_px``; ``area_mm2``, ``long_axis_mm``, ``short_axis_mm`` rounded to 0.01, "" without spacing, 0 where the
        mask is empty.
    """
    inside = np.asarray(mask) > 0
    area = int(np.count_nonzero(inside))
    if not spacing:
        return {"area_px": area, "area_mm2": "", "long_axis_mm": "", "short_axis_mm": ""}
    long_axis, short_axis = lesion_axes(inside, spacing) if area else (0.0, 0.0)
    return {
        "area_px": area,
        "area_mm2": round(area * float(spacing[0]) * float(spacing[1]), 2),
        "long_axis_mm": round(long_axis, 2),
        "short_axis_mm": round(short_axis, 2),
    }


def lesion_axes(inside: np.ndarray, spacing: Sequence[float]) -> tuple[float, float]:
    """Greatest diameter of the largest component, and its extent at right angles to that diameter.

    Pixels are rectangles: a single pixel has a length. A diameter across two lesions would mean nothing, hence the
    largest component (8-connected).

    Args:
        inside: bool, shape (rows, columns), not empty.
        spacing: [row, column] size of a pixel in mm.

    Returns:
        Long and short axis in mm.
    """
    labels, count = ndimage.label(inside, structure=np.ones((3, 3)))
    if count > 1:
        inside = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    outline = inside & ~ndimage.binary_erosion(inside)
    centers = np.argwhere(outline)
    corners = np.concatenate([centers + shift for shift in ((0, 0), (0, 1), (1, 0), (1, 1))]) * np.asarray(spacing)
    hull = corners[ConvexHull(corners).vertices]
    distances = cdist(hull, hull)
    first, second = np.unravel_index(np.argmax(distances), distances.shape)
    direction = (hull[second] - hull[first]) / distances[first, second]
    across = hull @ np.array([-direction[1], direction[0]])
    return float(distances[first, second]), float(np.ptp(across))
