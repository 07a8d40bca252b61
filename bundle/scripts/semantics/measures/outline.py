"""The outline of a lesion as points: tracing, normals, angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Points of a traced outline, evenly spaced along it.
POINTS = 256


def trace_outline(lesion: NDArray[np.bool_], smoothing: float) -> NDArray[np.float64]:
    """The closed outline of a lesion as evenly spaced points.

    Args:
        lesion: bool, shape (h, w), one component.
        smoothing: standard deviation in pixels of the Gaussian that takes the pixel staircase away.

    Returns:
        Points (row, column), shape (POINTS, 2).
    """
    margin = int(4 * smoothing) + 2
    soft = ndimage.gaussian_filter(np.pad(lesion.astype(np.float32), margin), smoothing)
    from skimage.measure import find_contours  # here: naming a site's lexicon should not wait for it

    outline = max(find_contours(soft, min(0.5, soft.max() / 2)), key=len) - margin
    return space_evenly(outline)


def space_evenly(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walk a closed curve (its last point repeats the first), shape (n, 2), in POINTS even steps."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    places = np.linspace(0, length[-1], POINTS, endpoint=False)
    return np.stack([np.interp(places, length, curve[:, axis]) for axis in (0, 1)], axis=1)


def outward_normals(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals of an outline that point away from the lesion, shape (POINTS, 2)."""
    tangent = np.roll(outline, -2, axis=0) - np.roll(outline, 2, axis=0)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    following = np.roll(outline, -1, axis=0)
    turning = (outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]).sum()
    return normal if turning > 0 else -normal


def interior_angles(outline: NDArray[np.float64], arm: float) -> NDArray[np.float64]:
    """Angle between the two arms at every point of an outline, seen from inside the lesion.

    Args:
        outline: shape (POINTS, 2).
        arm: length of an arm along the outline, in the outline's units.

    Returns:
        Degrees in (0, 360), shape (POINTS,): below 180 where the outline is convex, 180 where it is straight.
    """
    spacing = np.hypot(*(outline - np.roll(outline, 1, axis=0)).T).mean()
    reach = int(np.clip(round(arm / spacing), 2, POINTS // 8))
    before, after = np.roll(outline, reach, axis=0) - outline, np.roll(outline, -reach, axis=0) - outline
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    angle = np.degrees(np.abs(np.arctan2(cross, (before * after).sum(axis=1))))
    concave = ((before + after) * outward_normals(outline)).sum(axis=1) > 0
    return np.where(concave, 360 - angle, angle)


def count_extremes(angles: NDArray[np.float64], beyond: float, window: int = 15) -> int:
    """Number of separate local maxima of a periodic signal that lie beyond a value.

    Args:
        angles: shape (POINTS,).
        beyond: a maximum counts above this value.
        window: maxima closer than half of this many points are one.
    """
    peaks = (angles == ndimage.maximum_filter1d(angles, window, mode="wrap")) & (angles > beyond)
    return int((peaks & ~np.roll(peaks, 1)).sum())
