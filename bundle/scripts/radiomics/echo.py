"""Echo pattern and posterior features: brightness inside the lesion, against its rim, and below it.

Values are display brightness in [0, 1]. Ultrasound gain is not calibrated, so the contrasts are worth more than the
levels.
"""

import math

import torch
from torch import Tensor

from .points import Box, LesionPoints, contrast, ratio, segment_sum
from .rays import Rays, band_mean

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


def echo_descriptors(
    image: Tensor, valid: Tensor, points: LesionPoints, levels: Tensor, span: Tensor, rays: Rays
) -> Tensor:
    """Echo descriptors in the order of `ECHO_NAMES`.

    First-order statistics follow IBSI and pyradiomics `firstorder`, population moments; the kurtosis is the excess
    kurtosis of IBSI (pyradiomics' minus 3); entropy and uniformity are those of the 32 grey levels. A flat lesion has
    skewness and kurtosis 0. Contrasts are (a - b) / (a + b):

    * rim_contrast: a rim of half the equivalent radius around the lesion against the inside.
    * image_contrast: the field of view against the inside.
    * core_contrast: the outer half of each radius against the inner half.
    * halo_contrast: the rim's inner two fifths against the rest of it (bright: an echogenic halo).

    Args:
        image: (B, 1, H, W).
        valid: (B, 1, H, W) 0/1.
        points: the lesion's pixels.
        levels: (M,) grey levels 1..32.
        span: (B,) maximum minus minimum.
        rays: from `cast_rays`.

    Returns:
        (B, 17) float64.
    """
    images = points.count.shape[0]
    count = points.count
    mean = ratio(segment_sum(points.value, points.batch, images), count)
    centred = points.value - mean[points.batch]
    square = centred * centred
    varied = span > 0
    variance = torch.where(varied, ratio(segment_sum(square, points.batch, images), count), 0.0)
    third = torch.where(varied, ratio(segment_sum(square * centred, points.batch, images), count), 0.0)
    fourth = torch.where(varied, ratio(segment_sum(square * square, points.batch, images), count), 0.0)
    kurtosis = torch.where(varied, ratio(fourth, variance**2) - 3, 0.0)

    quantile = percentiles(points)
    low, high = quantile[:, 0], quantile[:, 4]
    kept = ((points.value >= low[points.batch]) & (points.value <= high[points.batch])).to(torch.float64)
    kept_count = segment_sum(kept, points.batch, images)
    kept_mean = ratio(segment_sum(kept * points.value, points.batch, images), kept_count)
    kept_spread = kept * (points.value - kept_mean[points.batch]).abs()

    histogram = segment_sum(torch.ones_like(points.value), points.batch * 33 + levels, images * 33).view(images, 33)
    share = ratio(histogram, count.unsqueeze(1).expand_as(histogram))

    equivalent = torch.sqrt(count / math.pi).view(-1, 1).to(rays.outline.dtype)
    rim = band_mean(rays, rays.outline, rays.outline + 0.5 * equivalent).to(torch.float64)
    near = band_mean(rays, rays.outline, rays.outline + 0.2 * equivalent).to(torch.float64)
    far = band_mean(rays, rays.outline + 0.2 * equivalent, rays.outline + 0.5 * equivalent).to(torch.float64)
    core = band_mean(rays, torch.zeros_like(rays.outline), 0.5 * rays.outline).to(torch.float64)
    shell = band_mean(rays, 0.5 * rays.outline, rays.outline).to(torch.float64)
    view = valid.to(image.dtype)
    whole = ratio((image * view).flatten(1).sum(1), view.flatten(1).sum(1)).to(torch.float64)
    return torch.stack(
        [
            mean,
            variance,
            ratio(third, variance**1.5),
            kurtosis,
            quantile[:, 2],
            low,
            high,
            quantile[:, 3] - quantile[:, 1],
            ratio(segment_sum(centred.abs(), points.batch, images), count),
            ratio(segment_sum(kept_spread, points.batch, images), kept_count),
            -(share * torch.log2(share + 2.220446049250313e-16)).sum(1),
            (share * share).sum(1),
            ratio(torch.sqrt(variance), mean),
            _contrast_if(rim, mean),
            _contrast_if(whole, mean),
            _contrast_if(shell, core),
            torch.where((near > 0) & (far > 0), contrast(near, far), 0.0),
        ],
        1,
    )


def _contrast_if(first: Tensor, second: Tensor) -> Tensor:
    """Contrast, and 0 where the first region is empty or black: nothing to compare with."""
    return torch.where(first > 0, contrast(first, second), 0.0)


def percentiles(points: LesionPoints) -> Tensor:
    """10th, 25th, 50th, 75th and 90th percentile per lesion, linear interpolation, (B, 5); zeros if empty."""
    if points.value.shape[0] == 0:
        return torch.zeros([points.count.shape[0], 5], dtype=torch.float64, device=points.count.device)
    # One sort for the whole batch: shift each image's values beyond those of the one before.
    stride = points.value.amax() - points.value.amin() + 1
    order = torch.argsort(points.value + stride * points.batch)
    ranked = points.value[order]
    share = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9], dtype=torch.float64, device=ranked.device).view(1, -1)
    start = (torch.cumsum(points.count, 0) - points.count).view(-1, 1)
    place = share * (points.count.view(-1, 1) - 1).clamp(min=0)
    below = torch.floor(place)
    last = points.value.shape[0] - 1
    lower = ranked[(start + below).to(torch.int64).clamp(0, last)]
    upper = ranked[(start + torch.ceil(place)).to(torch.int64).clamp(0, last)]
    return torch.where(points.count.view(-1, 1) > 0, lower + (place - below) * (upper - lower), 0.0)


def posterior_descriptors(image: Tensor, valid: Tensor, box: Box, inside: Tensor) -> Tensor:
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
        valid: (B, 1, H, W) 0/1.
        box: the lesion's bounding box.
        inside: (B,) mean inside the lesion.

    Returns:
        (B, 3) float64.
    """
    depth = box.bottom - box.top + 1
    width = box.right - box.left + 1
    row = torch.arange(image.shape[2], device=image.device).view(1, -1)
    column = torch.arange(image.shape[3], device=image.device).view(1, -1)
    rows = (row > box.bottom.view(-1, 1)) & (row <= (box.bottom + depth).view(-1, 1))
    trim = (0.2 * width).view(-1, 1)
    below = (column >= box.left.view(-1, 1) + trim) & (column <= box.right.view(-1, 1) - trim)
    side = (0.5 * width).clamp(min=1).view(-1, 1)
    left = (column < box.left.view(-1, 1)) & (column >= box.left.view(-1, 1) - side)
    right = (column > box.right.view(-1, 1)) & (column <= box.right.view(-1, 1) + side)

    in_rows = (valid[:, 0] * rows.to(valid.dtype).unsqueeze(2)).to(torch.float64)
    area = in_rows.sum(1)  # (B, W): valid rows per column, and their brightness
    light = (in_rows * image[:, 0]).sum(1)
    below_area, below_mean = _strip(area, light, below)
    side_area, side_mean = _strip(area, light, left | right)
    known = (below_area >= 2 * below.sum(1)) & (below_area > 0) & (side_area > 0) & (side_mean > 0)
    return torch.stack(
        [
            torch.where(known, ratio(below_mean, side_mean).clamp(0.1, 10.0), 1.0),
            torch.where(known, contrast(below_mean, side_mean), 0.0),
            torch.where(known, contrast(below_mean, inside), 0.0),
        ],
        1,
    )


def _strip(area: Tensor, light: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Area and mean brightness (B,) of selected columns (B, W) bool."""
    chosen = columns.to(torch.float64)
    total = (area * chosen).sum(1)
    return total, ratio((light * chosen).sum(1), total)
