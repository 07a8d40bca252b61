"""Echo pattern, border and posterior features of a lesion, from the image inside, around and behind its mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .outline import POINTS, outward_normals
from .patch import LesionPatch

#: Darkest brightness that a ratio is taken of: keeps ratios of black regions finite.
FLOOR = 0.02
#: Everything below is in equivalent radii of the lesion. The interior keeps off the border; the ring surrounds it.
INTERIOR, RING = 0.08, (0.1, 0.7)
#: Smoothing that takes speckle out of the echo pattern.
SPECKLE = 0.05
#: Brightness relative to the surroundings below which there are no echoes, and above which there is solid tissue.
#: The darkest twentieth of the lesions in BUSI (training) lies below 0.08, half of them above 0.44.
CLEAR, SOLID = 0.15, 0.4
#: Half-width and sampling of the band across the border, width of a step, and how far the step may lie off the mask.
BAND, BAND_SAMPLES, STEP, SLACK = 0.35, 29, 5, 3
#: Sectors of the border, each judged by itself.
SECTORS = 32
#: Gap below the lesion, depth of the region behind it, and the least depth that can be judged.
GAP, BEHIND, LEAST_BEHIND = 0.1, 1.0, 0.3
#: Tissue beside the region behind, from the lesion's side outwards.
BESIDE = (0.1, 0.9)
#: Share of the lesion's width left out on each side: refraction at the edges casts shadows of its own.
EDGE_SHADOW = 0.15


def measure_border(patch: LesionPatch) -> dict[str, float]:
    """How much of the border cannot be told from its surroundings.

    The border is cut into sectors. A sector's step is the largest change from inside to outside near the outline,
    over the brightness spread of the band around the whole border: 2 for a clean edge, below 0.6 for a ramp as
    wide as the band, about 0.4 for speckle without an edge. Gain and offset of the display cancel.

    Returns:
        blurred_border: share of sectors whose step is below 0.7, in [0, 1].
    """
    across = np.linspace(-BAND, BAND, BAND_SAMPLES) * patch.radius
    places = patch.outline[:, None] + across[:, None] * outward_normals(patch.outline)[:, None]
    band = ndimage.map_coordinates(patch.image, places.transpose(2, 0, 1), order=1, mode="nearest")
    sectors = band.reshape(SECTORS, POINTS // SECTORS, BAND_SAMPLES).mean(axis=1)
    sums = np.cumsum(np.pad(sectors, ((0, 0), (1, 0))), axis=1)
    means = (sums[:, STEP:] - sums[:, :-STEP]) / STEP  # means[:, i]: samples i .. i + STEP - 1
    steps = means[:, STEP:] - means[:, :-STEP]  # steps[:, i]: across the place before sample i + STEP
    middle = BAND_SAMPLES // 2 - STEP
    step = np.abs(steps[:, middle - SLACK : middle + SLACK + 2]).max(axis=1)
    return {"blurred_border": float((step < 0.7 * band.std() + 1e-6).mean())}


def measure_echo(patch: LesionPatch) -> dict[str, float]:
    """Brightness inside the lesion against the tissue around it (not behind it, where shadow or enhancement lies).

    Returns:
        echo_brightness: logarithm of median inside over median around; 0 is as bright as the surroundings.
        clear_share: share of the interior, speckle smoothed, below CLEAR of the surroundings: without echoes.
        solid_share: share of the interior above SOLID of the surroundings.
        echo_spread: standard deviation of the smoothed interior over the median around.
    """
    interior = patch.depth > min(INTERIOR, patch.depth.max() / 2)
    distance = ndimage.distance_transform_edt(~patch.lesion) / patch.radius
    behind = np.arange(patch.lesion.shape[0])[:, None] > lower_edge(patch.lesion)
    ring = (distance > RING[0]) & (distance < RING[1]) & ~behind
    around = float(np.median(patch.image[ring if ring.any() else ~patch.lesion | patch.lesion])) + FLOOR
    smooth = ndimage.gaussian_filter(patch.image, SPECKLE * patch.radius)[interior] / around
    return {
        "echo_brightness": float(np.log((np.median(patch.image[interior]) + FLOOR) / around)),
        "clear_share": float((smooth < CLEAR).mean()),
        "solid_share": float((smooth > SOLID).mean()),
        "echo_spread": float(smooth.std()),
    }


def measure_posterior(patch: LesionPatch, step: float) -> dict[str, float]:
    """Brightness behind the lesion against the tissue at the same depth beside it, column by column.

    Args:
        patch: the lesion in its surroundings, the skin above.
        step: change of brightness that counts, as a logarithm.

    Returns:
        shadowed_share, enhanced_share: shares of the columns behind the lesion that are darker or brighter by more
        than `step`; both NaN where the image ends too close behind or beside the lesion to tell.
    """
    height, width = patch.image.shape
    columns = np.flatnonzero(patch.lesion.any(axis=0))
    first, last = int(columns[0]), int(columns[-1])
    near, far = (round(reach * patch.radius) for reach in BESIDE)
    beside = np.r_[max(0, first - far) : max(0, first - near), min(width, last + near) : min(width, last + far)]
    trim = int(EDGE_SHADOW * len(columns))
    start = (lower_edge(patch.lesion) + 1 + GAP * patch.radius).astype(int)
    stop = np.minimum(height, start + int(BEHIND * patch.radius))
    judged = [c for c in range(first + trim, last + 1 - trim) if stop[c] - start[c] >= LEAST_BEHIND * patch.radius]
    if len(beside) < LEAST_BEHIND * patch.radius or 2 * len(judged) < len(columns) - 2 * trim:
        return {"shadowed_share": float("nan"), "enhanced_share": float("nan")}

    down = np.cumsum(np.pad(patch.image, ((1, 0), (0, 0))), axis=0)
    level = np.cumsum(np.pad(patch.image[:, beside].mean(axis=1), (1, 0)))
    top, end = start[judged], stop[judged]
    behind = (down[end, judged] - down[top, judged]) / (end - top)
    change = np.log((behind + FLOOR) / ((level[end] - level[top]) / (end - top) + FLOOR))
    change = ndimage.uniform_filter1d(change, max(1, int(0.2 * patch.radius)))
    return {
        "shadowed_share": float((change < -step).mean()),
        "enhanced_share": float((change > step).mean()),
    }


def lower_edge(lesion: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Last row of the lesion in every column, shape (w,); the number of rows where a column holds none of it."""
    rows = lesion.shape[0]
    return np.where(lesion.any(axis=0), rows - 1 - lesion[::-1].argmax(axis=0), rows)
