"""The lesion as a list of pixels: what every descriptor sums over.

Working on the lesion's pixels instead of the whole grid makes the cost follow the lesion's size. Everything here is
plain tensor algebra in the image's own precision, without matrix products (autocast would round them), so that
TorchScript can compile it and mixed precision leaves it alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class LesionPoints(NamedTuple):
    """The lesion pixels of B images, padded to the largest lesion's M by repeating the first pixel.

    Repetition leaves minima and maxima alone; sums are weighted with `inside`.
    """

    inside: Tensor  # (B, M), 1 for pixels, 0 for repetitions
    row: Tensor  # (B, M)
    column: Tensor  # (B, M)
    value: Tensor  # (B, M), image value
    cell: Tensor  # (B, M) int64, position in the flattened image
    count: Tensor  # (B, 1), pixels per lesion
    height: int  # of the image
    width: int


class Moments(NamedTuple):
    """Centroid and central second moments of pixel centres, in pixels, each (B, 1)."""

    row: Tensor
    column: Tensor
    row_row: Tensor
    column_column: Tensor
    row_column: Tensor


class Box(NamedTuple):
    """First and last row and column of a region, inclusive, each (B, 1)."""

    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


def lesion_points(image: Tensor, mask: Tensor) -> LesionPoints:
    """List the lesions' pixels in row-major order.

    Args:
        image: (B, 1, H, W), values in [0, 1].
        mask: (B, 1, H, W), lesion where above 0.5.
    """
    images, height, width = mask.shape[0], mask.shape[2], mask.shape[3]
    lesion = (mask > 0.5).flatten(1)
    found = torch.nonzero(lesion.flatten()).squeeze(1)
    first = torch.arange(images, device=mask.device).unsqueeze(1) * (height * width)
    count = lesion.sum(1, keepdim=True)
    slot = torch.arange(count.max().clamp(min=1).item(), device=mask.device).unsqueeze(0)
    place = count.cumsum(0) - count + torch.where(slot < count, slot, 0)
    # One more element, so that there is something to point at when no image has a lesion.
    found = torch.nn.functional.pad(found, [0, 1])
    cell = (found[place] - first).clamp(0, height * width - 1)
    row = torch.div(cell, width, rounding_mode="floor")
    return LesionPoints(
        (slot < count).to(image.dtype),
        row.to(image.dtype),
        (cell - row * width).to(image.dtype),
        image.flatten(1).gather(1, cell),
        cell,
        count.to(image.dtype),
        height,
        width,
    )


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, and 0 where the denominator is not positive."""
    positive = denominator > 0
    return torch.where(positive, numerator / torch.where(positive, denominator, 1.0), 0.0)


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """Michelson contrast (first - second) / (first + second) of two non-negative means, in [-1, 1]; 0 if both are 0."""
    return ratio(first - second, first + second)


def lesion_mean(points: LesionPoints, values: Tensor) -> Tensor:
    """Mean of `values` (B, M) over each lesion's pixels, (B, 1)."""
    return (points.inside * values).sum(1, keepdim=True) / points.count.clamp(min=1)


def lesion_moments(points: LesionPoints) -> Moments:
    """Centroid and population covariance of the lesion's pixel centres."""
    mean_row, mean_column = lesion_mean(points, points.row), lesion_mean(points, points.column)
    row, column = points.row - mean_row, points.column - mean_column
    return Moments(
        mean_row,
        mean_column,
        lesion_mean(points, row * row),
        lesion_mean(points, column * column),
        lesion_mean(points, row * column),
    )


def lesion_box(points: LesionPoints) -> Box:
    """Bounding box of the lesion, all its components together."""
    return Box(
        points.row.amin(1, keepdim=True),
        points.row.amax(1, keepdim=True),
        points.column.amin(1, keepdim=True),
        points.column.amax(1, keepdim=True),
    )


def field_of_view(image: Tensor) -> Box:
    """The image without its zero padding: the rectangle spanned by rows and columns that are not all zero.

    Args:
        image: (B, 1, H, W), or a mask of the field of view.

    Returns:
        The rectangle; the whole grid when the image is zero everywhere.
    """
    bright = image[:, 0].abs()
    top, bottom = _span(bright.amax(2))
    left, right = _span(bright.amax(1))
    return Box(top, bottom, left, right)


def _span(line: Tensor) -> tuple[Tensor, Tensor]:
    """First and last non-zero position (B, 1) of each line (B, L), or the whole line if it is zero."""
    length = line.shape[1]
    position = torch.arange(length, dtype=line.dtype, device=line.device).unsqueeze(0)
    first = torch.where(line > 0, position, float(length)).amin(1, keepdim=True)
    last = torch.where(line > 0, position, -1.0).amax(1, keepdim=True)
    blank = last < 0
    return torch.where(blank, 0.0, first), torch.where(blank, length - 1.0, last)


def grey_levels(points: LesionPoints, bins: int = 32) -> tuple[Tensor, Tensor]:
    """Discretise the lesion's values to a fixed bin number between its own extremes (IBSI K15C).

    The edges are those of `numpy.histogram`, as in pyradiomics with `binCount`; a flat lesion falls into one bin. In
    float64 always: 8-bit values often lie exactly on an edge.

    Args:
        points: the lesions.
        bins: number of grey levels.

    Returns:
        levels: (B, M) int64 in 1..bins.
        flat: (B, 1) bool, true where maximum and minimum agree.
    """
    value = points.value.to(torch.float64)
    low, high = value.amin(1, keepdim=True), value.amax(1, keepdim=True)
    flat = high <= low
    origin = torch.where(flat, low - 0.5, low)
    step = torch.where(flat, 1.0, high - low) / bins
    level = torch.floor((value - origin) / step)
    # The division may round across an edge: compare with the edges themselves, as a histogram does.
    level = torch.where(value < level * step + origin, level - 1, level)
    level = torch.where(value >= (level + 1) * step + origin, level + 1, level)
    return level.to(torch.int64).clamp(0, bins - 1) + 1, flat


def neighbour_levels(points: LesionPoints, levels: Tensor) -> Tensor:
    """Grey level of each pixel's right, down, down-right and down-left neighbour.

    Args:
        points: the lesions.
        levels: (B, M) int64, at least 1.

    Returns:
        (B, 4, M) int16, 0 where the neighbour does not belong to the lesion.
    """
    images = levels.shape[0]
    stride = points.width + 2  # a border of zeros spares every test for the image's edges
    cell = ((points.row + 1) * stride + points.column + 1).to(torch.int64)
    grid = torch.zeros([images, (points.height + 2) * stride], dtype=torch.int16, device=levels.device)
    grid = grid.scatter(1, cell, levels.to(torch.int16))
    neighbours = [grid.gather(1, cell + step) for step in [1, stride, stride + 1, stride - 1]]
    return torch.stack(neighbours, 1)
