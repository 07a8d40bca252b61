"""Echo pattern and posterior features: brightness inside the lesion, against its rim, and below it.

Values are display brightness in [0, 1]. Ultrasound gain is not calibrated, so the contrasts are worth more than the
levels.
"""

import math

import torch
from torch import Tensor

from .grey import Grey, percentiles
from .lesion_rows import Box, Lesions, contrast, per_image, per_row, positive, ratio
from .rays import Rays, before

ECHO_NAMES: list[str] = [
    "echo_mean",
    "echo_variance",
    "echo_skewness",
    "echo_excess_kurtosis",
    "echo_median",
    "echo_percentile_10",
    "echo_percentile_90",
    "echo_interquartile_range",
    "echo_mean_absolute_deviation",
    "echo_robust_mean_absolute_deviation",
    "echo_entropy",
    "echo_uniformity",
    "echo_coefficient_of_variation",
    "echo_rim_contrast",
    "echo_image_contrast",
    "echo_core_contrast",
    "echo_halo_contrast",
]

ECHO_IBSI: dict[str, str] = {
    "echo_mean": "Q4LE",
    "echo_variance": "ECT3",
    "echo_skewness": "KE2M",
    "echo_excess_kurtosis": "IPH6",
    "echo_median": "Y12H",
    "echo_percentile_10": "QG58",
    "echo_percentile_90": "8DWT",
    "echo_interquartile_range": "SALO",
    "echo_mean_absolute_deviation": "4FUB",
    "echo_robust_mean_absolute_deviation": "1128",
    "echo_entropy": "TLU2",
    "echo_uniformity": "BJ5W",
    "echo_coefficient_of_variation": "7TET",
}

POSTERIOR_NAMES: list[str] = ["posterior_ratio", "posterior_contrast", "posterior_inside_contrast"]


def echo_descriptors(light: Tensor, view: Box, lesions: Lesions, grey: Grey, rays: Rays) -> Tensor:
    """Echo descriptors in the order of `ECHO_NAMES`.

    First-order statistics follow IBSI and pyradiomics `firstorder`, population moments; the kurtosis is the excess
    kurtosis of IBSI (pyradiomics' minus 3); entropy and uniformity are those of the 32 grey levels. A flat lesion has
    skewness and kurtosis 0. Contrasts are (a - b) / (a + b), and 0 where there is nothing to compare with:

    * rim_contrast: a rim of half the equivalent radius around the lesion against the inside.
    * image_contrast: the field of view against the inside.
    * core_contrast: the outer half of each radius against the inner half.
    * halo_contrast: the rim's inner two fifths against the rest of it (positive: an echogenic halo).

    Args:
        light: (B, 1), sum of the image values.
        view: the field of view.
        lesions: the lesions' rows.
        grey: from `grey_levels`.
        rays: from `cast_rays`.

    Returns:
        (B, 17).
    """
    count = lesions.count.clamp(min=1)
    mean = per_image(lesions, (lesions.inside * lesions.value).sum(1, keepdim=True)) / count
    centred = (lesions.value - per_row(lesions, mean)).mul_(lesions.inside)
    square = centred * centred
    second, third = square.sum(1), (square * centred).sum(1)
    sums = [second, third, square.mul_(square).sum(1), centred.abs_().sum(1)]
    central = per_image(lesions, torch.stack(sums, 1)) / count
    variance = central[:, 0:1].masked_fill(grey.flat, 0.0)
    skewness = ratio(central[:, 1:2], variance**1.5)
    kurtosis = (ratio(central[:, 2:3], variance**2) - 3).masked_fill(grey.flat, 0.0)

    # Slices instead of splits: ONNX optimisers fail at those of a tensor whose shape they cannot infer.
    ranked = percentiles(grey, lesions.count)
    p10, p25, p50, p75, p90 = ranked[:, 0:1], ranked[:, 1:2], ranked[:, 2:3], ranked[:, 3:4], ranked[:, 4:5]
    beyond = positive(per_row(lesions, p10) - lesions.value)
    beyond.add_(positive(lesions.value - per_row(lesions, p90)))
    kept = (1 - beyond).mul_(lesions.inside)
    kept_sums = per_image(lesions, torch.stack([kept.sum(1), (kept * lesions.value).sum(1)], 1))
    kept_mean = ratio(kept_sums[:, 1:2], kept_sums[:, 0:1])
    kept_deviation = (lesions.value - per_row(lesions, kept_mean)).abs_().mul_(kept).sum(1, keepdim=True)
    kept_deviation = ratio(per_image(lesions, kept_deviation), kept_sums[:, 0:1])

    share = grey.pairs[:, 0, 1:].sum(2) / count
    outline = rays.outline
    equivalent = torch.sqrt(lesions.count / math.pi)
    # Before a distance of -1 lies nothing.
    edges = [-torch.ones_like(outline), 0.5 * outline, outline, outline + 0.2 * equivalent, outline + 0.5 * equivalent]
    band_area, band_light = before(rays, edges)
    band_area, band_light = band_area.sum(1), band_light.sum(1)  # (B, 5)
    bands = ratio(band_light.diff(dim=1), band_area.diff(dim=1))
    core, shell, near, far = bands[:, 0:1], bands[:, 1:2], bands[:, 2:3], bands[:, 3:4]
    rim = ratio(band_light[:, 4:] - band_light[:, 2:3], band_area[:, 4:] - band_area[:, 2:3])
    view_area = (view.bottom - view.top + 1) * (view.right - view.left + 1)
    outer, inner = torch.cat([rim, shell, near], 1), torch.cat([mean, core, far], 1)
    # The mean may be 0, a band without area says nothing.
    unknown = (outer <= 0) | (torch.cat([rim, shell, far], 1) <= 0)
    band_contrasts = contrast(outer, inner).masked_fill(unknown, 0.0)  # of rim, core and halo
    return torch.cat(
        [
            mean,
            variance,
            skewness,
            kurtosis,
            p50,
            p10,
            p90,
            p75 - p25,
            central[:, 3:4],
            kept_deviation,
            -(share * torch.log2(share.clamp(min=2.220446049250313e-16))).sum(1, keepdim=True),
            (share * share).sum(1, keepdim=True),
            ratio(torch.sqrt(variance), mean),
            band_contrasts[:, 0:1],
            contrast(light / view_area, mean),
            band_contrasts[:, 1:],
        ],
        1,
    )


def posterior_descriptors(image: Tensor, view: Box, box: Box, inside: Tensor) -> Tensor:
    """Posterior features in the order of `POSTERIOR_NAMES`: the tissue below the lesion against its neighbours.

    Below: the rows under the bounding box, as deep as the lesion, in the central 60 % of its width. Lateral: the same
    rows, half a lesion's width on either side. Everything inside the field of view. A shadow has a ratio below 1 and a
    negative contrast, enhancement the opposite; where less than two rows remain, or no lateral tissue, the ratio is 1
    and the contrasts are 0.

    * posterior_ratio: below / lateral, clipped to 0.1..10.
    * posterior_contrast: (below - lateral) / (below + lateral).
    * posterior_inside_contrast: (below - inside) / (below + inside).

    Args:
        image: (B, 1, H, W).
        view: the field of view.
        box: the lesion's bounding box.
        inside: (B, 1) mean inside the lesion.

    Returns:
        (B, 3).
    """
    depth, width = box.bottom - box.top + 1, box.right - box.left + 1
    column = torch.arange(image.shape[3], dtype=image.dtype, device=image.device).unsqueeze(0)
    below = box.bottom + 1 + torch.arange(int(depth.max().item()), dtype=image.dtype, device=image.device)  # (B, D)
    rows = (below <= torch.minimum(box.bottom + depth, view.bottom)).to(image.dtype)
    first = torch.arange(image.shape[0], device=image.device).unsqueeze(1) * image.shape[2]
    index = below.to(torch.int64).clamp(max=image.shape[2] - 1) + first
    strips = image.flatten(0, 2).index_select(0, index.flatten()).view(image.shape[0], -1, image.shape[3])
    light = strips.mul_(rows.unsqueeze(2)).sum(1)  # (B, W)
    depth_left = rows.sum(1, keepdim=True)

    seen = (column >= view.left) & (column <= view.right)
    trim, side = 0.2 * width, (0.5 * width).clamp(min=1)
    below = seen & (column >= box.left + trim) & (column <= box.right - trim)
    left = (column < box.left) & (column >= box.left - side)
    right = (column > box.right) & (column <= box.right + side)
    below_mean = _column_mean(light, below) / depth_left.clamp(min=1)
    side_mean = _column_mean(light, seen & (left | right)) / depth_left.clamp(min=1)
    known = (depth_left >= 2) & (side_mean > 0)
    contrasts = contrast(below_mean, torch.cat([side_mean, inside], 1))
    return torch.cat(
        [ratio(below_mean, side_mean).clamp(0.1, 10.0).masked_fill(~known, 1.0), contrasts.masked_fill(~known, 0.0)], 1
    )


def _column_mean(light: Tensor, chosen: Tensor) -> Tensor:
    """Mean (B, 1) of columns (B, W) where chosen, 0 if none is."""
    weight = chosen.to(light.dtype)
    return ratio((light * weight).sum(1, keepdim=True), weight.sum(1, keepdim=True))
