"""The lesion as a list of rows: what every descriptor sums over.

Working on the rows that cross a lesion, cut to its columns, makes the cost follow the lesion's size. Everything here is
plain tensor algebra in the image's own precision, without matrix products (autocast would round them), so that
TorchScript can compile it and mixed precision leaves it alone. Masks are numbers, 0 or 1: on a CPU, comparing and
selecting take several times as long as multiplying.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Lesions(NamedTuple):
    """The rows of B lesions, one list of S, each cut to the columns of its lesion, as many as the widest one has.

    A blank column and a blank row end each lesion, so that what comes after a pixel never belongs to another one.
    """

    inside: Tensor  # (S, w), 1 for lesion pixels, 0 for others
    value: Tensor  # (S, w), image value
    row: Tensor  # (S, 1)
    left: Tensor  # (S, 1), column of the first element
    image: Tensor  # (S,) int64, which image
    place: Tensor  # (B, h) int64, the rows of each image, padded by repeating the first
    real: Tensor  # (B, h), 1 for rows, 0 for repetitions
    count: Tensor  # (B, 1), pixels per lesion


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


def positive(values: Tensor) -> Tensor:
    """1 where `values` are above 0, else 0, as numbers of the same type; overwrites `values`."""
    return values.ceil_().clamp_(0, 1)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, and 0 where the denominator is not positive."""
    return (numerator / denominator).masked_fill_(denominator <= 0, 0.0)


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """Michelson contrast (first - second) / (first + second) of two non-negative means, in [-1, 1]; 0 if both are 0."""
    return ratio(first - second, first + second)


def lesion_box(mask: Tensor, dtype: torch.dtype) -> Box:
    """Bounding box of the lesion, all its components together; the first pixel where there is none.

    Args:
        mask: (B, 1, H, W), lesion where above 0.5.
        dtype: of the box.
    """
    rows, columns = (mask[:, 0].amax(2) > 0.5).to(dtype), (mask[:, 0].amax(1) > 0.5).to(dtype)
    top, bottom = _span(rows)
    left, right = _span(columns)
    some = rows.amax(1, keepdim=True)
    return Box(top, bottom * some, left, right * some)


def lesion_rows(image: Tensor, mask: Tensor, box: Box) -> Lesions:
    """List the rows of the lesions.

    Args:
        image: (B, 1, H, W), values in [0, 1].
        mask: (B, 1, H, W), lesion where above 0.5.
        box: around the lesions.
    """
    height, width = mask.shape[2], mask.shape[3]
    extent = torch.cat([box.bottom - box.top + 2, box.right - box.left + 1], 1).to(torch.int64)
    size = extent[:, 0:1]
    tallest, widest = int(extent[:, 0].max().item()), int(extent[:, 1].max().item())
    slot = torch.arange(tallest, device=mask.device).unsqueeze(0)
    real = slot < size
    place = size.cumsum(0) - size + torch.where(real, slot, 0)

    chosen = torch.nonzero(real.flatten()).squeeze(1)
    index = torch.div(chosen, tallest, rounding_mode="floor")
    corner = torch.cat([box.top, box.bottom, box.left.clamp(max=width - widest)], 1).index_select(0, index)
    row = corner[:, 0:1] + (chosen - index * tallest).unsqueeze(1)
    left = corner[:, 2:3]
    # The blank column repeats the last one, which always exists.
    column = torch.arange(widest + 1, device=mask.device)
    start = (index.unsqueeze(1) * height + row.to(torch.int64).clamp(max=height - 1)) * width + left.to(torch.int64)
    cell = (start + column.clamp(max=widest - 1)).flatten()
    inside = positive(mask.flatten().index_select(0, cell).view(-1, widest + 1).to(image.dtype) - 0.5)
    inside.mul_((row <= corner[:, 1:2]).to(image.dtype)).mul_((column < widest).to(image.dtype))
    value = image.flatten().index_select(0, cell).view(-1, widest + 1)
    count = _per_image(inside.sum(1, keepdim=True), place, real.to(image.dtype))
    return Lesions(inside, value, row, left, index, place, real.to(image.dtype), count)


def per_image(lesions: Lesions, sums: Tensor) -> Tensor:
    """Add up sums over rows (S, n) for each image, (B, n)."""
    return _per_image(sums, lesions.place, lesions.real)


def _per_image(sums: Tensor, place: Tensor, real: Tensor) -> Tensor:
    rows = sums.index_select(0, place.flatten()).view(place.shape[0], place.shape[1], -1)
    return rows.mul_(real.unsqueeze(2)).sum(1)


def lesion_layers(lesions: Lesions) -> Tensor:
    """The lesions as images (B, 1, h, w), row and column 0 being the first of each lesion's rows."""
    images, tallest = lesions.place.shape[0], lesions.place.shape[1]
    layers = lesions.inside.index_select(0, lesions.place.flatten()).view(images, 1, tallest, -1)
    return layers.mul_(lesions.real.view(images, 1, tallest, 1))


def per_row(lesions: Lesions, values: Tensor) -> Tensor:
    """Hand each row the values (B, n) of its image, (S, n)."""
    return values.index_select(0, lesions.image)


def columns(lesions: Lesions, moments: Moments) -> Tensor:
    """Column of every pixel relative to the centroid, (S, w)."""
    column = torch.arange(lesions.inside.shape[1], dtype=lesions.left.dtype, device=lesions.left.device)
    return column + (lesions.left - per_row(lesions, moments.column))


def lesion_moments(lesions: Lesions) -> Moments:
    """Centroid and population covariance of the lesion's pixel centres."""
    inside, count = lesions.inside, lesions.count.clamp(min=1)
    column = torch.arange(inside.shape[1], dtype=inside.dtype, device=inside.device)
    pixels = inside.sum(1, keepdim=True)
    first = torch.cat([pixels * lesions.row, (inside * column).sum(1, keepdim=True) + pixels * lesions.left], 1)
    mean = per_image(lesions, first) / count
    centre = Moments(mean[:, 0:1], mean[:, 1:2], count, count, count)
    row, column = lesions.row - per_row(lesions, centre.row), columns(lesions, centre)
    chosen = column * inside
    mixed = chosen.sum(1, keepdim=True) * row
    second = torch.cat([pixels * row * row, chosen.mul_(column).sum(1, keepdim=True), mixed], 1)
    second = per_image(lesions, second) / count
    return Moments(centre.row, centre.column, second[:, 0:1], second[:, 1:2], second[:, 2:3])


def field_of_view(rows: Tensor, columns: Tensor) -> Box:
    """The image without its zero padding: the rectangle spanned by rows and columns that are not all zero.

    Args:
        rows: (B, H), sums over the rows of images, or of masks of the field of view.
        columns: (B, W), sums over their columns.

    Returns:
        The rectangle; the whole grid when the image is zero everywhere.
    """
    top, bottom = _span(rows)
    left, right = _span(columns)
    return Box(top, bottom, left, right)


def _span(line: Tensor) -> tuple[Tensor, Tensor]:
    """First and last non-zero position (B, 1) of each line (B, L), or the whole line if it is zero."""
    length = line.shape[1]
    position = torch.arange(length, dtype=line.dtype, device=line.device).unsqueeze(0)
    first = torch.where(line != 0, position, float(length)).amin(1, keepdim=True)
    last = torch.where(line != 0, position, -1.0).amax(1, keepdim=True)
    blank = last < 0
    return torch.where(blank, 0.0, first), torch.where(blank, length - 1.0, last)
