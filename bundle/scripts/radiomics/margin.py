"""Margin: how regular the outline is, and how sharply the lesion ends."""

import math

import torch
from torch import Tensor

from .points import LesionPoints, Moments, ratio
from .rays import Rays, band_mean
from .shape import determinant

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


def margin_descriptors(rays: Rays, points: LesionPoints, moments: Moments, hull_support: Tensor) -> Tensor:
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
      radius (at least 1.5 pixels), over directions; image units.
    * indistinct: share of directions in which the outer band is not at least 0.05 brighter than the inner one.

    Args:
        rays: from `cast_rays`.
        points: the lesion's pixels.
        moments: their moments.
        hull_support: (B, N) from `shape.support`, same directions as the rays.

    Returns:
        (B, 15) float64.
    """
    outline = rays.outline.to(torch.float64)
    longest = outline.amax(1, keepdim=True)
    radial = ratio(outline, longest.expand_as(outline))
    mean = radial.mean(1, keepdim=True)
    dead_band = ratio(torch.ones_like(longest), longest).clamp(0.02, 1.0)
    to_ellipse = outline / ellipse_radius(moments, outline.shape[1])
    hull = hull_radius(hull_support)
    gap = ratio((hull - outline).clamp(min=0), hull)
    closed = -_circular_maximum(-_circular_maximum(outline))
    opened = _circular_maximum(-_circular_maximum(-outline))
    square = (outline**2).sum(1)

    equivalent = torch.sqrt(points.count / math.pi).view(-1, 1)
    band = (0.15 * equivalent).clamp(min=1.5).to(rays.outline.dtype)
    inner = band_mean(rays, rays.outline - band, rays.outline, True)
    outer = band_mean(rays, rays.outline, rays.outline + band, True)
    seen = ((inner > 0) | (outer > 0)) & (rays.outline > 0)
    seen = seen & (band_coverage(rays, band) > 0)
    step = torch.where(seen, outer - inner, 0.0).to(torch.float64)
    weight = seen.to(torch.float64)
    rays_seen = weight.sum(1)
    step_mean = ratio(step.sum(1), rays_seen)
    step_square = ratio((weight * (step - step_mean.unsqueeze(1)) ** 2).sum(1), rays_seen)
    return torch.stack(
        [
            mean.squeeze(1),
            radial.std(1, correction=0),
            _entropy(radial),
            _crossings(radial - mean, dead_band),
            ratio((radial - mean).clamp(min=0).mean(1), mean.squeeze(1)),
            (radial - radial.roll(1, 1)).abs().mean(1),
            to_ellipse.std(1, correction=0),
            _crossings(to_ellipse - 1, dead_band),
            gap.mean(1),
            gap.amax(1),
            ratio(square, (closed**2).sum(1)),
            ratio((opened**2).sum(1), square),
            step_mean,
            torch.sqrt(step_square),
            ratio((weight * (step < 0.05).to(torch.float64)).sum(1), rays_seen),
        ],
        1,
    )


def band_coverage(rays: Rays, band: Tensor) -> Tensor:
    """How many samples per ray (B, N) lie within `band` (B, 1) pixels outside the border and in the field of view."""
    outside = rays.distance - rays.outline.unsqueeze(2)
    return (rays.valid & (outside > 0) & (outside <= band.unsqueeze(2))).sum(2)


def ellipse_radius(moments: Moments, directions: int) -> Tensor:
    """Radius (B, N) of the ellipse with the lesion's second moments, in the rays' directions."""
    angle = torch.arange(directions, dtype=torch.float64, device=moments.row.device) * (2 * math.pi / directions)
    sine, cosine = torch.sin(angle).view(1, -1), torch.cos(angle).view(1, -1)
    tall = (moments.row_row + 1 / 12.0).view(-1, 1)
    wide = (moments.column_column + 1 / 12.0).view(-1, 1)
    form = wide * sine**2 - 2 * moments.row_column.view(-1, 1) * sine * cosine + tall * cosine**2
    return 2 * torch.sqrt(determinant(moments).view(-1, 1) / form)


def hull_radius(hull_support: Tensor) -> Tensor:
    """Radial function (B, N) of the hull: min over directions p of h(p) / cos(p - angle)."""
    directions = hull_support.shape[1]
    index = torch.arange(directions, device=hull_support.device)
    cosine = torch.cos((index.view(-1, 1) - index.view(1, -1)).to(torch.float64) * (2 * math.pi / directions))
    facing = cosine > 0.05
    radius = hull_support.unsqueeze(1) / torch.where(facing, cosine, 1.0).unsqueeze(0)
    return torch.where(facing.unsqueeze(0), radius, float("inf")).amin(2)


def _circular_maximum(profile: Tensor, share: int = 8) -> Tensor:
    """Maximum of a circular profile (B, N) over a window of 1/share of the circle."""
    half = profile.shape[1] // (2 * share)
    wrapped = torch.cat([profile[:, -half:], profile, profile[:, :half]], 1)
    return torch.nn.functional.max_pool1d(wrapped.unsqueeze(1), 2 * half + 1, 1).squeeze(1)


def _entropy(profile: Tensor, bins: int = 32) -> Tensor:
    """Shannon entropy (B,) in bits of values (B, N) in [0, 1]."""
    bin_index = (profile * bins).to(torch.int64).clamp(0, bins - 1)
    histogram = torch.zeros([profile.shape[0], bins], dtype=profile.dtype, device=profile.device)
    share = histogram.scatter_add(1, bin_index, torch.ones_like(profile)) / profile.shape[1]
    return -(share * torch.log2(share + 1e-16)).sum(1)


def _crossings(deviation: Tensor, dead_band: Tensor) -> Tensor:
    """Sign changes (B,) around a circular profile (B, N), where values within the dead band (B, 1) keep the last sign."""
    directions = deviation.shape[1]
    sign = torch.where(deviation.abs() > dead_band, torch.sign(deviation), 0.0)
    index = torch.arange(directions, device=deviation.device)
    # How many steps back, around the circle, each direction looks to each other one (itself last: a full turn).
    back = torch.remainder(index.view(-1, 1) - index.view(1, -1) - 1, directions) + 1
    look = torch.where((sign != 0).unsqueeze(1), back.unsqueeze(0), 2 * directions)
    previous = sign.gather(1, look.argmin(2))
    return (sign * previous < 0).to(torch.float64).sum(1)
