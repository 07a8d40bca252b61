"""The lesion as a list of pixels, batch by batch: what every descriptor sums over.

Working on the lesion's pixels instead of the whole grid makes the cost follow the lesion's size, and sums in float64
cost next to nothing. Everything here is plain tensor algebra, so that TorchScript can compile it.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class LesionPoints(NamedTuple):
    """All lesion pixels of a batch of M pixels in B images, in row-major order."""

    batch: Tensor  # (M,) int64, index of the image
    row: Tensor  # (M,) int64
    column: Tensor  # (M,) int64
    value: Tensor  # (M,) float64, image value
    count: Tensor  # (B,) float64, pixels per image
    height: int
    width: int


def lesion_points(image: Tensor, mask: Tensor) -> LesionPoints:
    """List the lesion's pixels.

    Args:
        image: (B, 1, H, W), values in [0, 1].
        mask: (B, 1, H, W), lesion where above 0.5.

    Returns:
        The points, with the image's values in float64.
    """
    height, width = mask.shape[2], mask.shape[3]
    inside = (mask > 0.5).flatten(1)
    where = torch.nonzero(inside)
    batch, cell = where[:, 0], where[:, 1]
    row = torch.div(cell, width, rounding_mode="floor")
    value = image.flatten()[batch * (height * width) + cell].to(torch.float64)
    return LesionPoints(batch, row, cell - row * width, value, inside.sum(1).to(torch.float64), height, width)


def segment_sum(values: Tensor, segment: Tensor, segments: int) -> Tensor:
    """Sum of `values` (M,) per segment (M,) -> (segments,)."""
    return torch.zeros([segments], dtype=values.dtype, device=values.device).scatter_add(0, segment, values)


def segment_min(values: Tensor, segment: Tensor, segments: int) -> Tensor:
    """Minimum of `values` (M,) per segment (M,) -> (segments,); +inf where a segment is empty."""
    start = torch.full([segments], float("inf"), dtype=values.dtype, device=values.device)
    return start.scatter_reduce(0, segment, values, "amin")


def segment_max(values: Tensor, segment: Tensor, segments: int) -> Tensor:
    """Maximum of `values` (M,) per segment (M,) -> (segments,); -inf where a segment is empty."""
    return -segment_min(-values, segment, segments)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, and 0 where the denominator is not positive."""
    positive = denominator > 0
    return torch.where(positive, numerator / torch.where(positive, denominator, torch.ones_like(denominator)), 0.0)


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """Michelson contrast (first - second) / (first + second) of two non-negative means, in [-1, 1]; 0 if both are 0."""
    return ratio(first - second, first + second)


class Moments(NamedTuple):
    """Centroid and central second moments of pixel centres, in pixels, each (B,) float64; zero for an empty mask."""

    row: Tensor
    column: Tensor
    row_row: Tensor
    column_column: Tensor
    row_column: Tensor


def lesion_moments(points: LesionPoints) -> Moments:
    """Centroid and population covariance of the lesion's pixel centres."""
    images = points.count.shape[0]
    row = points.row.to(torch.float64)
    column = points.column.to(torch.float64)
    mean_row = ratio(segment_sum(row, points.batch, images), points.count)
    mean_column = ratio(segment_sum(column, points.batch, images), points.count)
    row = row - mean_row[points.batch]
    column = column - mean_column[points.batch]
    return Moments(
        mean_row,
        mean_column,
        ratio(segment_sum(row * row, points.batch, images), points.count),
        ratio(segment_sum(column * column, points.batch, images), points.count),
        ratio(segment_sum(row * column, points.batch, images), points.count),
    )


class Box(NamedTuple):
    """First and last row and column of a region, inclusive, each (B,) float64; zeros when the region is empty."""

    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


def lesion_box(points: LesionPoints) -> Box:
    """Bounding box of the lesion, all its components together."""
    images = points.count.shape[0]
    row = points.row.to(torch.float64)
    column = points.column.to(torch.float64)
    some = points.count > 0
    return Box(
        torch.where(some, segment_min(row, points.batch, images), 0.0),
        torch.where(some, segment_max(row, points.batch, images), 0.0),
        torch.where(some, segment_min(column, points.batch, images), 0.0),
        torch.where(some, segment_max(column, points.batch, images), 0.0),
    )


def field_of_view(image: Tensor) -> Tensor:
    """The image without its zero padding: the rectangle spanned by rows and columns that are not all zero.

    Args:
        image: (B, 1, H, W).

    Returns:
        (B, 1, H, W) of 0 and 1 in the image's dtype. All one when the image is zero everywhere.
    """
    nonzero = image[:, 0] != 0
    rows = _span(nonzero.any(2))
    columns = _span(nonzero.any(1))
    return (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1).to(image.dtype)


def _span(line: Tensor) -> Tensor:
    """(B, L) bool: from the first to the last true element of each line, or everything if there is none."""
    position = torch.arange(line.shape[1], device=line.device).unsqueeze(0)
    last = torch.where(line, position, -1).amax(1, keepdim=True)
    first = torch.where(line, position, line.shape[1]).amin(1, keepdim=True)
    return ((position >= first) & (position <= last)) | (last < 0)


def grey_levels(points: LesionPoints, bins: int = 32) -> tuple[Tensor, Tensor]:
    """Discretise the lesion's values to a fixed bin number between its own extremes (IBSI K15C).

    The edges are those of `numpy.histogram`, as in pyradiomics with `binCount`; a flat lesion falls into one bin.

    Args:
        points: the lesion.
        bins: number of grey levels.

    Returns:
        levels: (M,) int64 in 1..bins.
        span: (B,) float64, maximum minus minimum, zero for flat or empty lesions.
    """
    images = points.count.shape[0]
    some = points.count > 0
    low = torch.where(some, segment_min(points.value, points.batch, images), 0.0)
    high = torch.where(some, segment_max(points.value, points.batch, images), 0.0)
    span = high - low
    flat = span <= 0
    origin = torch.where(flat, low - 0.5, low)[points.batch]
    step = torch.where(flat, torch.ones_like(span), span).div(bins)[points.batch]
    level = torch.floor((points.value - origin) / step)
    # The division may round across an edge: compare with the edges themselves, as a histogram does.
    level = torch.where(points.value < level * step + origin, level - 1, level)
    level = torch.where(points.value >= (level + 1) * step + origin, level + 1, level)
    return level.to(torch.int64).clamp(0, bins - 1) + 1, span
