"""Colours of a lesion, how it differs from its surroundings, its surface, and how abruptly it ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .outline import POINTS, outward_normals
from .patch import LesionPatch

#: The six colours of the dermoscopic ABCD rule (Nachbar et al., J Am Acad Dermatol 30:551-559, 1994), red, green and
#: blue in [0, 1]. The rule gives names; these values are chosen here.
COLORS: dict[str, tuple[float, float, float]] = {
    "white": (0.92, 0.88, 0.88),
    "red": (0.75, 0.28, 0.28),
    "light brown": (0.70, 0.47, 0.33),
    "dark brown": (0.40, 0.25, 0.19),
    "blue-gray": (0.42, 0.46, 0.52),
    "black": (0.13, 0.10, 0.10),
}
#: Distance in CIELAB below which a pixel has the colour of the skin around the lesion.
LIKE_SKIN = 10.0
#: Share of the lesion from which a colour counts.
LEAST_SHARE = 0.05
#: Everything below is in equivalent radii of the lesion. The ring around it, and smoothing against noise.
RING, NOISE = (0.1, 0.5), 0.05
#: Segments of the border in the ABCD rule; half-width of the band across it and of the cut-off, and samples across.
SEGMENTS, BAND, CUT, SAMPLES = 8, 0.35, 0.1, 29
#: Share of the step from inside to outside that lies within the cut-off where it is abrupt; 0.29 were a ramp.
ABRUPT = 0.6
#: Smoothing whose residue is the texture of the surface.
GRAIN = 0.1
_FLOOR = 0.02


def measure_colors(patch: LesionPatch, colors: NDArray[np.float32]) -> dict[str, float]:
    """Which of the six colours of dermoscopy a lesion has.

    Args:
        patch: the lesion in its surroundings.
        colors: the patch in red, green and blue, shape (h, w, 3).

    Returns:
        ``colors``: how many of them cover `LEAST_SHARE` of the lesion, at least one; ``hue``: number of the commonest.
    """
    from skimage.color import rgb2lab  # here: naming a site's lexicon should not wait for it

    smooth = ndimage.gaussian_filter(colors, (NOISE * patch.radius, NOISE * patch.radius, 0))
    lab = rgb2lab(np.clip(smooth, 0, 1))
    skin = np.median(lab[_ring(patch)], axis=0)
    inside = lab[patch.lesion]
    named = rgb2lab(np.array([list(COLORS.values())]))[0]
    nearest = np.linalg.norm(inside[:, None] - named, axis=2).argmin(axis=1)
    differs = np.linalg.norm(inside - skin, axis=1) >= LIKE_SKIN
    shares = np.bincount(nearest[differs] if differs.any() else nearest, minlength=len(COLORS)) / len(inside)
    return {"colors": float(max((shares >= LEAST_SHARE).sum(), 1)), "hue": float(shares.argmax())}


def measure_contrast(patch: LesionPatch, colors: NDArray[np.float32]) -> dict[str, float]:
    """Brightness, redness and texture of a lesion against the ring around it.

    Args:
        patch: the lesion in its surroundings.
        colors: the patch in red, green and blue, shape (h, w, 3).

    Returns:
        ``brightness``: logarithm of median inside over median around; ``redness``: red's share of the three channels,
        inside minus around; ``roughness``: logarithm of the fine texture's spread inside over that around.
    """
    ring = _ring(patch)
    share = colors[..., 0] / (colors.sum(axis=-1) + _FLOOR)
    fine = patch.image - ndimage.gaussian_filter(patch.image, GRAIN * patch.radius)
    core = patch.depth > min(GRAIN, patch.depth.max() / 2)
    medians = [float(np.median(patch.image[where])) + _FLOOR for where in (patch.lesion, ring)]
    # Highlights of the lamp are no texture: the spread between percentiles leaves them out.
    spreads = [float(np.subtract(*np.percentile(fine[where], (84, 16)))) + 1e-3 for where in (core, ring)]
    return {
        "brightness": float(np.log(medians[0] / medians[1])),
        "redness": float(np.median(share[patch.lesion]) - np.median(share[ring])),
        "roughness": float(np.log(spreads[0] / spreads[1])),
    }


def measure_cutoff(patch: LesionPatch) -> dict[str, float]:
    """In how many of the eight segments of its border a lesion ends abruptly (ABCD rule, border).

    Returns:
        ``abrupt_segments``: those where most of the step from inside to outside lies within `CUT` of the outline.
    """
    across = np.linspace(-BAND, BAND, SAMPLES) * patch.radius
    places = patch.outline[:, None] + across[:, None] * outward_normals(patch.outline)[:, None]
    band = ndimage.map_coordinates(patch.image, places.transpose(2, 0, 1), order=1, mode="nearest")
    profile = band.reshape(SEGMENTS, POINTS // SEGMENTS, SAMPLES).mean(axis=1)
    end, half = SAMPLES // 6, round(CUT / BAND * (SAMPLES // 2))
    whole = profile[:, -end:].mean(axis=1) - profile[:, :end].mean(axis=1)
    near = profile[:, SAMPLES // 2 + half] - profile[:, SAMPLES // 2 - half]
    return {"abrupt_segments": float((near * np.sign(whole) >= ABRUPT * np.abs(whole) + 0.01).sum())}


def _ring(patch: LesionPatch) -> NDArray[np.bool_]:
    """The surroundings that a lesion is compared with; padding of pure zeros is none of them."""
    distance = ndimage.distance_transform_edt(~patch.lesion) / patch.radius
    ring = (distance > RING[0]) & (distance < RING[1]) & (patch.image > 0)
    return ring if ring.any() else ~patch.lesion if not patch.lesion.all() else patch.lesion
