"""Rays from the lesion's centroid: its outline as a radius per direction, and the tissue along the way."""

from typing import NamedTuple

import torch
from torch import Tensor

from .lesion_rows import Box, Lesions, Moments, lesion_layers
from .shape import direction_vectors


class Rays(NamedTuple):
    """N rays of R samples per image; lengths in pixels."""

    outline: Tensor  # (B, N), distance of the outermost lesion border, 0 where the ray meets no lesion
    step: Tensor  # (B, 1), distance between samples; the first lies on the centroid
    start: Tensor  # (B, N), first sample in the field of view
    stop: Tensor  # (B, N), the sample after the last one in it
    light: Tensor  # (B, N, R), running sum of image value times sample number: a ring's area grows with its radius


def cast_rays(
    image: Tensor,
    lesions: Lesions,
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
        lesions: the lesions' rows.
        view: the field of view; samples outside it count for nothing.
        moments: for the centroids.
        reach: (B, 1) largest distance of the lesion's outline from the centroid, pixels.
        directions: N.
        samples: R.
    """
    step = reach.clamp(min=0.5) * (1.5 / (samples - 1))
    number = torch.arange(samples, dtype=step.dtype, device=image.device)
    sine, cosine = direction_vectors(directions, image)
    # Outside its own rows and columns a lesion is zero. Its outline is no farther than `reach` and a fraction of a
    # pixel: two thirds of the samples and some more.
    first = lesions.place[:, 0]
    row = moments.row - lesions.row.index_select(0, first)
    column = moments.column - lesions.left.index_select(0, first)
    along = number * step
    inside = _sample(lesion_layers(lesions), row, column, along[:, : samples * 3 // 4], sine, cosine)

    start_row, stop_row = _stay(moments.row, step * sine, view.top, view.bottom)
    start_column, stop_column = _stay(moments.column, step * cosine, view.left, view.right)
    return Rays(
        _outline(inside) * step,
        step,
        torch.maximum(start_row, start_column).clamp(0, samples),
        (torch.minimum(stop_row, stop_column) + 1).clamp(0, samples),
        _sample(image, moments.row, moments.column, along, sine, cosine).mul_(number).cumsum(2),
    )


def _stay(centre: Tensor, speed: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """First and last sample (B, N) at which centre + speed * sample lies within low..high, give or take rounding."""
    enter, leave = (low - 1e-5 - centre) / speed, (high + 1e-5 - centre) / speed
    return torch.minimum(enter, leave).ceil(), torch.maximum(enter, leave).floor()


def _sample(layer: Tensor, row: Tensor, column: Tensor, along: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """Bilinear samples (B, N, R) of a layer (B, 1, H, W), zero outside, at distances (B, R) from (row, column)."""
    images, samples, directions = along.shape[0], along.shape[1], sine.shape[1]
    # Column and row alternate in memory, as `grid_sample` wants them: one pass over long lines writes both.
    size = torch.tensor([layer.shape[3], layer.shape[2]], device=layer.device).to(layer.dtype)
    centre = (torch.cat([column, row], 1) * 2 + 1) / size - 1
    offset = along.unsqueeze(2) * (2 / size)
    heading = torch.stack([cosine[0], sine[0]], 1).unsqueeze(1).expand(-1, samples, -1)
    grid = torch.addcmul(
        centre.unsqueeze(1).expand(-1, samples, -1).reshape(images, 1, -1),
        offset.view(images, 1, -1),
        heading.reshape(1, directions, -1),
    ).view(images, directions, samples, 2)
    return torch.nn.functional.grid_sample(
        layer, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).squeeze(1)


def _outline(inside: Tensor) -> Tensor:
    """Sample position (B, N) at which the lesion profile (B, N, R) crosses one half for the last time; 0 if never."""
    samples = inside.shape[2]
    number = torch.arange(1, samples + 1, dtype=inside.dtype, device=inside.device)
    # floor + 1 is 1 from one half on, else 0; where a ray runs along a half, rounding has no say.
    last = (inside - (0.5 - 1e-5)).floor_().add_(1).mul_(number).amax(2, keepdim=True).to(torch.int64) - 1
    here = last.clamp(0, samples - 2)
    above, below = inside.gather(2, here), inside.gather(2, here + 1)
    fraction = ((above - 0.5) / (above - below).clamp(min=1e-6)).clamp(0, 1)
    return (here + fraction).masked_fill(last < 0, 0.0).squeeze(2)


def before(rays: Rays, distances: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Area and brightness sum of the field of view from the centroid to E distances along each ray, inclusive.

    Args:
        rays: the rays.
        distances: E times (B, N), pixels.

    Returns:
        area and light, each (B, N, E), in the same unit; differences of light / differences of area are mean values.
    """
    sample = torch.floor(torch.stack(distances, 2) / rays.step.unsqueeze(2)) + 1
    sample = torch.minimum(torch.maximum(sample, rays.start.unsqueeze(2)), rays.stop.unsqueeze(2))
    # The first sample has no area: before it and after it is the same.
    light = rays.light.gather(2, (sample.to(torch.int64) - 1).clamp(0, rays.light.shape[2] - 1))
    return sample * (sample - 1) / 2, light
