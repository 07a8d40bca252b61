"""Rays from the lesion's centroid: its outline as a radius per direction, and the tissue along the way."""

from typing import NamedTuple

import torch
from torch import Tensor

from .points import Box, LesionPoints, Moments, ratio
from .shape import direction_vectors


class Rays(NamedTuple):
    """N rays of R samples per image; lengths in pixels."""

    outline: Tensor  # (B, N), distance of the outermost lesion border, 0 where the ray meets no lesion
    step: Tensor  # (B, 1), distance between samples; the first lies on the centroid
    area: Tensor  # (B, N, R + 1), area of the field of view before sample k, per unit angle and step
    light: Tensor  # (B, N, R + 1), the same, weighted with the image


def cast_rays(
    image: Tensor,
    points: LesionPoints,
    view: Box,
    moments: Moments,
    reach: Tensor,
    directions: int = 128,
    samples: int = 96,
) -> Rays:
    """Sample image and lesion bilinearly along rays of 1.5 times the lesion's largest radius.

    Direction k has the angle 2 pi k / N from the column axis towards larger rows. The outline is interpolated between
    samples where the lesion's mask crosses one half.

    Args:
        image: (B, 1, H, W).
        points: the lesions' pixels.
        view: the field of view; samples outside it count for nothing.
        moments: for the centroids.
        reach: (B, 1) largest distance of the lesion's outline from the centroid, pixels.
        directions: N.
        samples: R.
    """
    height, width = image.shape[2], image.shape[3]
    step = reach.clamp(min=0.5) * (1.5 / (samples - 1))
    distance = step.unsqueeze(2) * torch.arange(samples, dtype=step.dtype, device=image.device)
    sine, cosine = direction_vectors(directions, image)
    column = moments.column.unsqueeze(2) + distance * cosine.unsqueeze(2)
    row = moments.row.unsqueeze(2) + distance * sine.unsqueeze(2)
    grid = torch.stack([column * (2 / width) + (1 / width - 1), row * (2 / height) + (1 / height - 1)], 3)
    mask = torch.zeros_like(image).flatten(1).scatter(1, points.cell, 1.0).view_as(image)

    rows = (row >= view.top.unsqueeze(2)) & (row <= view.bottom.unsqueeze(2))
    columns = (column >= view.left.unsqueeze(2)) & (column <= view.right.unsqueeze(2))
    # A ring's area grows with its radius.
    area = torch.where(rows & columns, distance, 0.0)
    light = area * _sample(image, grid)
    return Rays(
        _outline(_sample(mask, grid)) * step,
        step,
        torch.nn.functional.pad(area.cumsum(2), [1, 0]),
        torch.nn.functional.pad(light.cumsum(2), [1, 0]),
    )


def _sample(layer: Tensor, grid: Tensor) -> Tensor:
    """Bilinear samples (B, N, R) of a layer (B, 1, H, W), zero outside."""
    sampled = torch.nn.functional.grid_sample(layer, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.squeeze(1)


def _outline(inside: Tensor) -> Tensor:
    """Sample position (B, N) at which the lesion profile (B, N, R) crosses one half for the last time; 0 if never."""
    samples = inside.shape[2]
    position = torch.arange(samples, device=inside.device)
    last = torch.where(inside >= 0.5, position, -1).amax(2, keepdim=True)
    here = last.clamp(0, samples - 2)
    above, below = inside.gather(2, here), inside.gather(2, here + 1)
    fraction = ((above - 0.5) / (above - below).clamp(min=1e-6)).clamp(0, 1)
    return torch.where(last >= 0, here + fraction, 0.0).squeeze(2)


def band(rays: Rays, start: Tensor, stop: Tensor) -> tuple[Tensor, Tensor]:
    """Area and brightness sum of the field of view between two distances along each ray.

    Args:
        rays: the rays.
        start: (B, N) pixels, exclusive; negative to include the centroid.
        stop: (B, N) pixels, inclusive.

    Returns:
        area and light, each (B, N); light / area is the mean image value.
    """
    samples = rays.area.shape[2] - 1
    first = (torch.floor(start / rays.step) + 1).clamp(0, samples).to(torch.int64).unsqueeze(2)
    last = (torch.floor(stop / rays.step) + 1).clamp(0, samples).to(torch.int64).unsqueeze(2)
    area = rays.area.gather(2, last) - rays.area.gather(2, first)
    light = rays.light.gather(2, last) - rays.light.gather(2, first)
    return area.squeeze(2), light.squeeze(2)


def band_mean(rays: Rays, start: Tensor, stop: Tensor) -> Tensor:
    """Mean image value between two distances over all rays, (B, 1); 0 where the band is empty."""
    area, light = band(rays, start, stop)
    return ratio(light.sum(1, keepdim=True), area.sum(1, keepdim=True))
