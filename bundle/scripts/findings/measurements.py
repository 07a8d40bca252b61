"""Size of a lesion from its mask, as a sonographer would measure it with calipers, and the parts of a mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from .finding import Size

_TOUCHING = np.ones((3, 3))  # corners count


def measure_size(mask: np.ndarray, spacing: Sequence[float]) -> Size:
    """Area, long and short axis of a mask; lengths only where the spacing is known.

    Args:
        mask: shape (rows, columns), above 0 where the lesion is.
        spacing: [row_mm, column_mm], or empty where unknown.

    Returns:
        Millimetres rounded to 0.01, None without spacing, 0 where the mask is empty.
    """
    inside = np.asarray(mask) > 0
    area = int(np.count_nonzero(inside))
    if not spacing:
        return Size(area)
    long_axis, short_axis = lesion_axes(inside, spacing) if area else (0.0, 0.0)
    square = round(area * float(spacing[0]) * float(spacing[1]), 2)
    return Size(area, square, round(long_axis, 2), round(short_axis, 2))


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
    top, left, bottom, right = box_of(inside)
    inside = np.pad(inside[top:bottom, left:right], 1)
    labels, count = ndimage.label(inside, structure=_TOUCHING)
    if count > 1:
        inside = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    outline = inside & ~ndimage.binary_erosion(inside)
    centers = np.argwhere(outline) + (top - 1, left - 1)
    corners = np.concatenate([centers + shift for shift in ((0, 0), (0, 1), (1, 0), (1, 1))]) * np.asarray(spacing)
    hull = corners[ConvexHull(corners).vertices]
    distances = cdist(hull, hull)
    first, second = np.unravel_index(np.argmax(distances), distances.shape)
    direction = (hull[second] - hull[first]) / distances[first, second]
    across = hull @ np.array([-direction[1], direction[0]])
    return float(distances[first, second]), float(np.ptp(across))


def connected_parts(inside: np.ndarray) -> Iterator[tuple[tuple[int, int, int, int], np.ndarray]]:
    """The 8-connected parts of a mask, largest first.

    Args:
        inside: bool, shape (rows, columns).

    Yields:
        Its box (top, left, bottom, right) and its own mask, bool, of the size of the box.
    """
    if not inside.any():
        return
    above, before, bottom, right = box_of(inside)
    labels, count = ndimage.label(inside[above:bottom, before:right], structure=_TOUCHING)
    places = ndimage.find_objects(labels)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    for index in np.argsort(-sizes, kind="stable"):
        rows, columns = places[index]
        box = above + rows.start, before + columns.start, above + rows.stop, before + columns.stop
        yield box, labels[rows, columns] == index + 1


def box_of(inside: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of where a mask is, bottom and right exclusive: work there spares the rest of the image.

    Args:
        inside: bool, shape (rows, columns), not empty.
    """
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
