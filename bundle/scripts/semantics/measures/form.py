"""Shape, orientation and outline of a lesion, from its mask alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .outline import POINTS, count_extremes, interior_angles, space_evenly
from .patch import LesionPatch

#: Length of the arms of an angle along the outline, in equivalent radii of the lesion.
ARM = 0.15
#: A spicule is narrower than twice the width (what an opening by a disc removes) and reaches further beyond the opened
#: lesion than the length. The disc always fits the ends of the fitted ellipse: a slender lesion is not a spicule.
SPICULE_WIDTH, SPICULE_LENGTH = 0.25, 0.15
#: Degrees: a corner is sharper than this (a smoothed right angle measures 115), and by so much sharper than the ends of
#: the fitted ellipse.
CORNER_ANGLE, CORNER_EXCESS = 120.0, 15.0
#: Degrees: the outline dents in by more than this at a notch between two lobules.
NOTCH_ANGLE = 200.0


def measure_form(patch: LesionPatch) -> dict[str, float]:
    """What the terms of shape, orientation and margin rest on, as far as the outline shows it.

    Shape is read from the whole (one ellipse), margin from short stretches of outline (corners, notches, spicules),
    so that neither follows from the other: a scalloped ellipse is oval, a smooth kidney is irregular.

    Returns:
        ellipse_overlap: intersection over union with the ellipse of the same second moments, in [0, 1];
            1 for every ellipse, however long or tilted.
        axis_ratio: minor over major axis of that ellipse, in (0, 1].
        depth_to_width: vertical over horizontal spread, which for an ellipse is the ratio of its extents (Stavros et
            al., Radiology 196:123-134, 1995); unlike a box it does not follow a single spicule.
        spicules: narrow tips that an opening removes (morphological top-hat).
        corners: convex angles of the outline sharper than CORNER_ANGLE.
        notches: concave angles of the outline beyond NOTCH_ANGLE.
    """
    points = np.argwhere(patch.lesion).astype(float)
    offsets = points - points.mean(axis=0)
    moments = offsets.T @ offsets / len(points) + np.eye(2) / 12  # 1/12: a pixel is a square, not a point
    squares, axes = np.linalg.eigh(moments)
    minor, major = 2 * np.sqrt(squares)
    common = (np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(moments), offsets) <= 4).sum()

    angles = interior_angles(patch.outline, ARM * patch.radius)
    turn = np.linspace(0, 2 * np.pi, 4 * POINTS + 1)
    ellipse = space_evenly(np.stack([minor * np.cos(turn), major * np.sin(turn)], axis=1) @ axes.T)
    bluntest = interior_angles(ellipse, ARM * patch.radius).min() - CORNER_EXCESS
    return {
        "ellipse_overlap": float(min(1.0, common / (np.pi * minor * major + len(points) - common))),
        "axis_ratio": float(minor / major),
        "depth_to_width": float(np.sqrt(moments[0, 0] / moments[1, 1])),
        "spicules": count_spicules(patch, min(SPICULE_WIDTH, 0.9 * minor**2 / major / patch.radius)),
        "corners": count_extremes(-angles, -min(CORNER_ANGLE, bluntest)),
        "notches": count_extremes(angles, NOTCH_ANGLE),
    }


def count_spicules(patch: LesionPatch, width: float) -> int:
    """Number of narrow tips: what a disc-shaped opening takes away and that reaches out far enough.

    Args:
        patch: the lesion.
        width: radius of the disc in equivalent radii.
    """
    box = ndimage.find_objects(patch.lesion.astype(np.uint8))[0]
    lesion, core = patch.lesion[box], patch.depth[box] > width
    if not core.any():  # a thread: all of it is narrow
        return 0
    beyond = ndimage.distance_transform_edt(~core) / patch.radius - width
    tips, count = ndimage.label(lesion & (beyond > 0.5 / patch.radius))
    reach = ndimage.maximum(beyond, tips, np.arange(1, count + 1))
    return int((np.asarray(reach) > SPICULE_LENGTH).sum())
