"""Shape and orientation: scale-free descriptors of the lesion's outline and of how it lies in the tissue.

Components are taken together. The outline is the marching-squares polygon through the midpoints between lesion and
background pixels, as in pyradiomics' `shape2D`.
"""

import math

import torch
from torch import Tensor

from .lesion_rows import Box, Lesions, Moments, columns, per_image, per_row, positive, ratio

SHAPE_NAMES: list[str] = [
    "shape_depth_to_width",
    "shape_moment_depth_to_width",
    "shape_orientation",
    "shape_elongation",
    "shape_feret_ratio",
    "shape_extent",
    "shape_solidity",
    "shape_convexity",
    "shape_sphericity",
    "shape_hull_roundness",
    "shape_ellipse_overlap",
    "shape_area_fraction",
]

# For a planar lesion the IBSI elongation, sqrt(minor / major eigenvalue), is the two-dimensional one.
SHAPE_IBSI: dict[str, str] = {"shape_elongation": "Q3CK"}


def shape_descriptors(
    lesions: Lesions, pairs: Tensor, moments: Moments, box: Box, view: Box, hull_support: Tensor
) -> Tensor:
    """Shape descriptors in the order of `SHAPE_NAMES`.

    * depth_to_width: bounding-box height / width (above 1: taller than wide, suspicious).
    * moment_depth_to_width: the same from second moments, sqrt(var(row) / var(column)).
    * orientation: (var(column) - var(row)) / (sum), +1 parallel to the skin, -1 upright.
    * elongation: sqrt(minor / major eigenvalue of the pixel centres' covariance), 1 for a disc (pyradiomics shape2D).
    * feret_ratio: smallest / largest caliper width.
    * extent: pixels / bounding-box pixels.
    * solidity: polygon area / hull area (one minus the normalised residual, Alvarenga 2007).
    * convexity: hull perimeter / polygon perimeter.
    * sphericity: 2 sqrt(pi area) / perimeter of the polygon (pyradiomics shape2D).
    * hull_roundness: 4 pi hull area / hull perimeter squared.
    * ellipse_overlap: intersection over union with the ellipse of equal second moments.
    * area_fraction: pixels / pixels of the field of view.

    Args:
        lesions: the lesions' rows.
        pairs: (B, 4), how many pixels have a neighbour in the lesion to the right, below, below right and below left.
        moments: of the pixels.
        box: around the pixels.
        view: the field of view.
        hull_support: (B, N) from `support`.

    Returns:
        (B, 12).
    """
    height, width = box.bottom - box.top + 1, box.right - box.left + 1
    view_area = (view.bottom - view.top + 1) * (view.right - view.left + 1)
    tall, wide, _ = pixel_moments(moments)
    half_trace = (moments.row_row + moments.column_column) / 2
    spread = torch.sqrt(((moments.row_row - moments.column_column) / 2) ** 2 + moments.row_column**2)

    area, perimeter = polygon_area_and_perimeter(lesions, pairs)
    hull_area, hull_perimeter = hull_area_and_perimeter(hull_support)
    caliper = hull_support + hull_support.roll(hull_support.shape[1] // 2, 1)
    return torch.cat(
        [
            height / width,
            torch.sqrt(tall / wide),
            (wide - tall) / (wide + tall),
            torch.sqrt(ratio((half_trace - spread).clamp(min=0), half_trace + spread)),
            ratio(caliper.amin(1, keepdim=True), caliper.amax(1, keepdim=True)),
            lesions.count / (height * width),
            ratio(area, hull_area),
            ratio(hull_perimeter, perimeter),
            ratio(2 * torch.sqrt(math.pi * area), perimeter),
            ratio(4 * math.pi * hull_area, hull_perimeter**2),
            ellipse_overlap(lesions, moments),
            lesions.count / view_area,
        ],
        1,
    )


def polygon_area_and_perimeter(lesions: Lesions, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Area (pixels) and perimeter (pixel sides) of the marching-squares polygon, each (B, 1).

    A 2x2 neighbourhood contributes by its number of lesion pixels: one 1/8 of area and sqrt(1/2) of perimeter, two
    side by side 1/2 and 1, two on a diagonal 1/4 and sqrt(2), three 7/8 and sqrt(1/2), four 1 and 0. How often each
    occurs follows from the numbers of pixels, adjacent and diagonal pairs, and full and three-quarter squares.
    """
    beside = lesions.inside[:, :-1] + lesions.inside[:, 1:]
    more_than_two = (beside[:-1] + beside[1:]).sub_(2).clamp_(min=0)
    sums = [more_than_two.sum(1, keepdim=True), more_than_two.sub_(1).clamp_(min=0).sum(1, keepdim=True)]
    squares = per_image(lesions, torch.nn.functional.pad(torch.cat(sums, 1), [0, 0, 0, 1]))
    four = squares[:, 1:2]
    three = squares[:, 0:1] - 2 * four
    two_diagonal = pairs[:, 2:].sum(1, keepdim=True) - three - 2 * four
    two_adjacent = 2 * pairs[:, :2].sum(1, keepdim=True) - 2 * three - 4 * four
    one = 4 * lesions.count - 2 * (two_adjacent + two_diagonal) - 3 * three - 4 * four
    area = one / 8 + two_adjacent / 2 + two_diagonal / 4 + three * 7 / 8 + four
    return area, two_adjacent + math.sqrt(0.5) * (one + three + 2 * two_diagonal)


def support(lesions: Lesions, moments: Moments, directions: int = 128) -> Tensor:
    """Support function of the lesion about its centroid: how far it reaches in each direction.

    Direction k has the angle 2 pi k / N from the column axis towards larger rows. Only the first and last lesion pixel
    of a row can support, and half a pixel (as a diamond, the polygon's corners) is added.

    Returns:
        (B, N), pixels.
    """
    inside, images = lesions.inside, lesions.count.shape[0]
    width = inside.shape[1]
    number = torch.arange(1, width + 1, dtype=inside.dtype, device=inside.device)
    last = (inside * number).amax(1, keepdim=True)
    first = width + 1 - (inside * (width + 1 - number)).amax(1, keepdim=True)
    start = lesions.left - 1 - per_row(lesions, moments.column)
    reach = torch.cat([lesions.row - per_row(lesions, moments.row), first + start, last + start], 1)
    # A row without lesion reaches as far as the centroid, which any hull contains.
    reach = (reach * last.clamp(max=1)).index_select(0, lesions.place.flatten()).view(images, -1, 3)
    row, left, right = reach[:, :, 0:1], reach[:, :, 1:2], reach[:, :, 2:3]

    sine, cosine = direction_vectors(directions, inside)
    quarter = directions // 4
    row_part, column_part = sine.roll(quarter, 1), cosine.roll(quarter, 1)  # from straight up: first half to the right
    half = directions // 2
    rightwards = (row * row_part[:, :half]).addcmul_(right, column_part[:, :half]).amax(1)
    leftwards = (row * row_part[:, half:]).addcmul_(left, column_part[:, half:]).amax(1)
    return torch.cat([rightwards, leftwards], 1).roll(-quarter, 1) + 0.5 * torch.maximum(cosine.abs(), sine.abs())


def direction_vectors(directions: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Sine (row) and cosine (column) of N equally spaced angles, each (1, N), in the precision of `like`."""
    angle = torch.arange(directions, dtype=torch.float64, device=like.device).unsqueeze(0) * (2 * math.pi / directions)
    return torch.sin(angle).to(like.dtype), torch.cos(angle).to(like.dtype)


def hull_area_and_perimeter(hull_support: Tensor) -> tuple[Tensor, Tensor]:
    """Area and perimeter of the convex hull, circumscribed with one edge per direction, each (B, 1).

    With 128 directions a disc's area is 0.02 % too large; polygons with edges at multiples of 2.8 degrees are exact.
    """
    step = 2 * math.pi / hull_support.shape[1]
    reach = hull_support.to(torch.float64)  # edges are small differences
    edge = ((reach.roll(1, 1) + reach.roll(-1, 1) - 2 * math.cos(step) * reach) / math.sin(step)).clamp(min=0)
    area, perimeter = 0.5 * (reach * edge).sum(1, keepdim=True), edge.sum(1, keepdim=True)
    return area.to(hull_support.dtype), perimeter.to(hull_support.dtype)


def pixel_moments(moments: Moments) -> tuple[Tensor, Tensor, Tensor]:
    """Row and column variance and determinant of the covariance of pixel squares, each (B, 1) and positive.

    A pixel is an area, not a point: a unit square's own second moment of 1/12 is added.
    """
    tall, wide = moments.row_row + 1 / 12, moments.column_column + 1 / 12
    return tall, wide, tall * wide - moments.row_column**2


def ellipse_form(moments: Moments, row: Tensor, column: Tensor) -> Tensor:
    """Squared Mahalanobis distance (B, n) of offsets from the centroid; the fitted ellipse is where it is 4."""
    tall, wide, determinant = pixel_moments(moments)
    return (wide * row * row - 2 * moments.row_column * row * column + tall * column * column) / determinant


def ellipse_overlap(lesions: Lesions, moments: Moments) -> Tensor:
    """Intersection over union of the lesion and the ellipse of equal centroid and second moments, (B, 1) in 0..1."""
    # `ellipse_form` as a polynomial of the column, with coefficients for each row
    tall, wide, determinant = pixel_moments(moments)
    form = per_row(lesions, torch.cat([wide, -2 * moments.row_column, tall], 1) / determinant)
    row, column = lesions.row - per_row(lesions, moments.row), columns(lesions, moments)
    distance = (form[:, 2:3] * column).add_(form[:, 1:2] * row).mul_(column).add_(form[:, 0:1] * row * row)
    outside = positive(distance.sub_(4)).mul_(lesions.inside)
    common = lesions.count - per_image(lesions, outside.sum(1, keepdim=True))
    ellipse = 4 * math.pi * torch.sqrt(determinant)
    return common / (lesions.count + ellipse - common)
