"""Rays from the lesion's centroid: its outline as a radius per direction, and the tissue along the way."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .points import Moments


class Rays(NamedTuple):
    """N rays of R samples per image; lengths in pixels, float dtype of the image."""

    outline: Tensor  # (B, N), distance of the outermost lesion border, 0 where the ray meets no lesion
    distance: Tensor  # (B, 1, R), distance of each sample from the centroid
    image: Tensor  # (B, N, R), image values
    mask: Tensor  # (B, N, R), lesion between 0 and 1
    valid: Tensor  # (B, N, R) bool, inside the field of view


def cast_rays(
    image: Tensor,
    mask: Tensor,
    valid: Tensor,
    moments: Moments,
    reach: Tensor,
    directions: int = 128,
    samples: int = 128,
) -> Rays:
    """Sample image, mask and field of view along rays of 1.6 times the lesion's largest radius.

    Direction k has the angle 2 pi k / N from the column axis towards larger rows. The outline is interpolated between
    samples where the bilinear mask crosses one half.

    Args:
        image: (B, 1, H, W).
        mask: (B, 1, H, W), lesion where above 0.5.
        valid: (B, 1, H, W) 0/1.
        moments: for the centroids.
        reach: (B,) largest distance of the lesion's outline from the centroid, pixels.
        directions: N.
        samples: R.
    """
    height, width = image.shape[2], image.shape[3]
    angle = torch.arange(directions, dtype=image.dtype, device=image.device) * (2 * math.pi / directions)
    unit = torch.arange(samples, dtype=image.dtype, device=image.device) * (1.6 / (samples - 1))
    distance = reach.to(image.dtype).view(-1, 1, 1) * unit.view(1, 1, -1)
    column = moments.column.to(image.dtype).view(-1, 1, 1) + distance * torch.cos(angle).view(1, -1, 1)
    row = moments.row.to(image.dtype).view(-1, 1, 1) + distance * torch.sin(angle).view(1, -1, 1)
    grid = torch.stack([(2 * column + 1) / width - 1, (2 * row + 1) / height - 1], 3)
    layers = torch.cat([image, (mask > 0.5).to(image.dtype), valid.to(image.dtype)], 1)
    sampled = torch.nn.functional.grid_sample(layers, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    inside = sampled[:, 1]
    return Rays(_outline(inside, distance), distance, sampled[:, 0], inside, sampled[:, 2] > 0.999)


def _outline(inside: Tensor, distance: Tensor) -> Tensor:
    """Distance (B, N) at which the lesion profile (B, N, R) crosses one half for the last time."""
    samples = inside.shape[2]
    position = torch.arange(samples, device=inside.device).view(1, 1, -1)
    last = torch.where(inside >= 0.5, position, -1).amax(2, keepdim=True)
    here = last.clamp(0, samples - 2)
    above = inside.gather(2, here)
    below = inside.gather(2, here + 1)
    fraction = ((above - 0.5) / (above - below).clamp(min=1e-6)).clamp(0, 1)
    length = (here.to(inside.dtype) + fraction) * (distance[:, :, 1:2] - distance[:, :, 0:1])
    return torch.where(last >= 0, length, 0.0).squeeze(2)


def band_mean(rays: Rays, start: Tensor, stop: Tensor, per_ray: bool = False) -> Tensor:
    """Area-weighted mean image value between two distances along each ray, in the field of view.

    Args:
        rays: the rays.
        start: (B, N), nearer distance (exclusive).
        stop: (B, N), farther distance (inclusive).
        per_ray: average each ray on its own.

    Returns:
        (B,), or (B, N) per ray; 0 where the band holds no sample.
    """
    weight = rays.valid & (rays.distance > start.unsqueeze(2)) & (rays.distance <= stop.unsqueeze(2))
    weighted = weight.to(rays.image.dtype) * rays.distance
    total = (weighted * rays.image).sum(2)
    weight_sum = weighted.sum(2)
    if not per_ray:
        total = total.sum(1)
        weight_sum = weight_sum.sum(1)
    some = weight_sum > 0
    return torch.where(some, total / torch.where(some, weight_sum, torch.ones_like(weight_sum)), 0.0)
