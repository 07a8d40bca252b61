"""Margin: how regular the outline is, and how sharply the lesion ends."""

import math

import torch
from torch import Tensor

from .lesion_rows import Moments, ratio
from .rays import Rays, before
from .shape import direction_vectors, ellipse_form

MARGIN_NAMES: list[str] = [
    "margin_radial_mean",
    "margin_radial_std",
    "margin_radial_entropy",
    "margin_radial_zero_crossings",
    "margin_radial_area_ratio",
    "margin_radial_roughness",
    "margin_ellipse_deviation",
    "margin_ellipse_crossings",
    "margin_residual",
    "margin_residual_depth",
    "margin_closing_ratio",
    "margin_opening_ratio",
    "margin_gradient_mean",
    "margin_gradient_std",
    "margin_indistinct",
]


def margin_descriptors(rays: Rays, count: Tensor, moments: Moments, hull_support: Tensor) -> Tensor:
    """Margin descriptors in the order of `MARGIN_NAMES`.

    The radial length is the distance from the centroid to the outermost border in each of N directions, normalised by
    its maximum (Kilday 1993; here over directions instead of contour pixels).

    * radial_mean, radial_std: of the normalised radial length.
    * radial_entropy: of its histogram with 32 bins on [0, 1], bits.
    * radial_zero_crossings: how often it crosses its mean, ignoring excursions below 2 % or one pixel.
    * radial_area_ratio: mean excess over the mean, relative to the mean.
    * radial_roughness: mean absolute difference of neighbouring directions.
    * ellipse_deviation: standard deviation of radius / radius of the fitted ellipse.
    * ellipse_crossings: how often that quotient crosses one, ignoring excursions below 2 % or one pixel.
    * residual, residual_depth: mean and largest gap between hull and border, relative to the hull's radius.
    * closing_ratio, opening_ratio: area / area after closing the outline over 45 degrees (below 1: notches), and area
      after opening / area (below 1: spikes).
    * gradient_mean, gradient_std: outer minus inner band along the border, bands of 15 % of the lesion's equivalent
      radius (at least 1.5 pixels), over the directions that have both; image units.
    * indistinct: share of these directions in which the outer band is not at least 0.05 brighter than the inner one.

    Args:
        rays: from `cast_rays`.
        count: (B, 1), pixels per lesion.
        moments: of the pixels.
        hull_support: (B, N) from `shape.support`, same directions as the rays.

    Returns:
        (B, 15).
    """
    outline = rays.outline
    longest = outline.amax(1, keepdim=True)
    radial = ratio(outline, longest)
    mean = radial.mean(1, keepdim=True)
    dead_band = (1 / longest).clamp(0.02, 1.0)
    sine, cosine = direction_vectors(outline.shape[1], outline)
    to_ellipse = outline * torch.sqrt(ellipse_form(moments, sine, cosine)) / 2
    hull = hull_radius(hull_support)
    gap = ratio((hull - outline).clamp(min=0), hull)
    images = outline.shape[0]
    swept = _circular_maximum(-_circular_maximum(torch.cat([outline, -outline])))
    closed, opened = swept[:images], swept[images:]
    crossings = _crossings(torch.cat([radial - mean, to_ellipse - 1]), dead_band.repeat(2, 1))
    squares = (torch.stack([outline, closed, opened], 2) ** 2).sum(1)
    square, closed_square, opened_square = squares[:, 0:1], squares[:, 1:2], squares[:, 2:3]

    width = 0.15 * torch.sqrt(count / math.pi)
    width = width.clamp(min=1.5)
    area, light = before(rays, [outline - width, outline, outline + width])
    area, light = area.diff(dim=2), light.diff(dim=2)
    mean_light = ratio(light, area)
    step = mean_light[:, :, 1] - mean_light[:, :, 0]
    seen = (area.amin(2) > 0).to(outline.dtype)
    rays_seen = seen.sum(1, keepdim=True)
    step_mean = ratio((seen * step).sum(1, keepdim=True), rays_seen)
    blurred = seen.masked_fill(step >= 0.05, 0.0)
    spread = torch.stack([seen * (step - step_mean) ** 2, blurred], 2).sum(1)
    spread = ratio(spread, rays_seen)
    return torch.cat(
        [
            mean,
            radial.std(1, correction=0, keepdim=True),
            _entropy(radial),
            crossings[:images],
            ratio((radial - mean).clamp(min=0).mean(1, keepdim=True), mean),
            (radial - radial.roll(1, 1)).abs().mean(1, keepdim=True),
            to_ellipse.std(1, correction=0, keepdim=True),
            crossings[images:],
            gap.mean(1, keepdim=True),
            gap.amax(1, keepdim=True),
            ratio(square, closed_square),
            ratio(opened_square, square),
            step_mean,
            torch.sqrt(spread[:, 0:1]),
            spread[:, 1:2],
        ],
        1,
    )


def hull_radius(hull_support: Tensor) -> Tensor:
    """Radial function (B, N) of the hull: min over directions p of h(p) / cos(p - angle)."""
    directions = hull_support.shape[1]
    index = torch.arange(directions, device=hull_support.device)
    facing = torch.cos(index.to(torch.float64) * (2 * math.pi / directions))
    weight = torch.where(facing > 0.05, 1 / facing, float("inf")).to(hull_support.dtype)
    turn = (index.view(-1, 1) - index).abs()
    weight = weight.index_select(0, turn.flatten()).view(directions, directions)
    # Tiny lesions have small but positive support everywhere; a centroid outside the hull does not exist.
    return (hull_support.clamp(min=1e-3).unsqueeze(1) * weight).amin(2)


def _circular_maximum(profile: Tensor, share: int = 8) -> Tensor:
    """Maximum of a circular profile (B, N) over a window of 1/share of the circle."""
    half = profile.shape[1] // (2 * share)
    wrapped = torch.cat([profile[:, -half:], profile, profile[:, :half]], 1)
    return torch.nn.functional.max_pool1d(wrapped.unsqueeze(1), 2 * half + 1, 1).squeeze(1)


def _entropy(profile: Tensor, bins: int = 32) -> Tensor:
    """Shannon entropy (B, 1) in bits of values (B, N) in [0, 1]."""
    bin_index = (profile * bins).to(torch.int64).clamp(0, bins - 1)
    histogram = torch.zeros([profile.shape[0], bins], dtype=profile.dtype, device=profile.device)
    share = histogram.scatter_add(1, bin_index, torch.ones_like(profile)) / profile.shape[1]
    return -(share * torch.log2(share.clamp(min=1e-16))).sum(1, keepdim=True)


def _crossings(deviation: Tensor, dead_band: Tensor) -> Tensor:
    """Sign changes (B, 1) around a circular profile (B, N); values within the dead band (B, 1) keep the last sign."""
    sign = torch.where(deviation.abs() > dead_band, torch.sign(deviation), 0.0)
    last = sign
    shift = 1
    while shift < deviation.shape[1]:  # after each turn, twice as far back
        last = torch.where(last == 0, last.roll(shift, 1), last)
        shift *= 2
    return (sign * last.roll(1, 1) < 0).to(deviation.dtype).sum(1, keepdim=True)
