"""Masks as polygons, and back, pixel for pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

#: The outline runs half-way between pixels inside and outside: nearer than this to it lies no pixel's centre.
_CLEARANCE = 0.35


def polygon_of(part: np.ndarray) -> np.ndarray | None:
    """The polygon that :func:`fill_polygon` turns back into exactly this mask, with as few corners as that allows.

    Args:
        part: bool, shape (rows, columns), one 4-connected part.

    Returns:
        Corners (N, 2), x before y, in pixels from the upper left corner of the image, whose first pixel has its centre
        at (0.5, 0.5); None where the part has a hole, which no polygon has.
    """
    from skimage.measure import approximate_polygon, find_contours  # takes a while to import

    lines = find_contours(np.pad(part, 1).astype(np.float32), 0.5)
    if len(lines) != 1:
        return None
    for tolerance in (_CLEARANCE, 0.0):
        # Rows and columns of the padded mask, whose pixels have their centres at whole numbers.
        corners = approximate_polygon(lines[0], tolerance)[:-1, ::-1] - 0.5
        if len(corners) > 2 and np.array_equal(fill_polygon(corners, part.shape), part):
            return corners
    return None


def fill_polygon(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie inside a polygon.

    Args:
        corners: as :func:`polygon_of` returns them; what lies beyond the image is cut off.
        shape: rows and columns of the image.

    Returns:
        Bool, of that shape.
    """
    from skimage.draw import polygon

    mask = np.zeros(shape, dtype=bool)
    mask[polygon(corners[:, 1] - 0.5, corners[:, 0] - 0.5, shape)] = True
    return mask


def parts_of(mask: np.ndarray) -> Iterator[tuple[Sequence[int], np.ndarray]]:
    """The 4-connected parts of a mask, in reading order.

    Args:
        mask: bool, shape (rows, columns).

    Yields:
        Box [x, y, width, height] in pixels, and the part's mask, bool, as large as the whole one.
    """
    labels, _ = ndimage.label(mask)
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        box = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
        yield box, labels == number
