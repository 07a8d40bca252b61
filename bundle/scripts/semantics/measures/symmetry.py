"""Asymmetry of a lesion about its own axes."""

from __future__ import annotations

import numpy as np

from .patch import LesionPatch


def measure_symmetry(patch: LesionPatch) -> dict[str, float]:
    """Fold a lesion along the axes of the ellipse of its second moments (ABCD rule, asymmetry of the contour).

    Returns:
        ``unfolded_major``, ``unfolded_minor``: share of the lesion that its mirror image about that axis leaves bare,
        in [0, 1); 0 for every ellipse.
    """
    points = np.argwhere(patch.lesion)
    centre = points.mean(axis=0)
    offsets = points - centre
    _, axes = np.linalg.eigh(offsets.T @ offsets)
    bare = []
    for axis in (axes[:, 1], axes[:, 0]):  # the last eigenvector is the major axis
        mirrored = np.rint(2 * np.outer(offsets @ axis, axis) - offsets + centre).astype(int)
        within = ((mirrored >= 0) & (mirrored < patch.lesion.shape)).all(axis=1)
        met = np.zeros(len(points), bool)
        met[within] = patch.lesion[tuple(mirrored[within].T)]
        bare.append(float((~met).mean()))
    return dict(zip(("unfolded_major", "unfolded_minor"), bare, strict=True))
