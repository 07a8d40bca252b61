"""Shape and orientation: scale-free descriptors of the lesion's outline and of how it lies in the tissue.

Components are taken together. The outline is the marching-squares polygon through the midpoints between lesion and
background pixels, as in pyradiomics' `shape2D`.
"""

import math

import torch
from torch import Tensor

from .points import Box, LesionPoints, Moments, ratio

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
    points: LesionPoints, neighbours: Tensor, moments: Moments, box: Box, view: Box, hull_support: Tensor
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
        points: the lesions' pixels.
        neighbours: (B, 4, M) from `neighbour_levels`.
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

    area, perimeter = polygon_area_and_perimeter(points, neighbours)
    hull_area, hull_perimeter = hull_area_and_perimeter(hull_support)
    caliper = hull_support + hull_support.roll(hull_support.shape[1] // 2, 1)
    return torch.cat(
        [
            height / width,
            torch.sqrt(tall / wide),
            (wide - tall) / (wide + tall),
            torch.sqrt(ratio((half_trace - spread).clamp(min=0), half_trace + spread)),
            ratio(caliper.amin(1, keepdim=True), caliper.amax(1, keepdim=True)),
            points.count / (height * width),
            ratio(area, hull_area),
            ratio(hull_perimeter, perimeter),
            ratio(2 * torch.sqrt(math.pi * area), perimeter),
            ratio(4 * math.pi * hull_area, hull_perimeter**2),
            ellipse_overlap(points, moments),
            points.count / view_area,
        ],
        1,
    )


def polygon_area_and_perimeter(points: LesionPoints, neighbours: Tensor) -> tuple[Tensor, Tensor]:
    """Area (pixels) and perimeter (pixel sides) of the marching-squares polygon, each (B, 1).

    A 2x2 neighbourhood contributes by its number of lesion pixels: one 1/8 of area and sqrt(1/2) of perimeter, two
    side by side 1/2 and 1, two on a diagonal 1/4 and sqrt(2), three 7/8 and sqrt(1/2), four 1 and 0. How often each
    occurs follows from the numbers of pixels, adjacent pairs, triples and full squares.
    """
    near = (neighbours > 0).to(points.inside.dtype) * points.inside.unsqueeze(1)
    right, down, down_right, down_left = near[:, 0], near[:, 1], near[:, 2], near[:, 3]
    corner = right * down
    adjacent = (right + down).sum(1, keepdim=True)
    diagonal = (down_right + down_left).sum(1, keepdim=True)
    triples = (corner + (right + down) * down_right + down * down_left).sum(1, keepdim=True)
    four = (corner * down_right).sum(1, keepdim=True)
    three = triples - 4 * four
    two_diagonal = diagonal - three - 2 * four
    two_adjacent = 2 * adjacent - 2 * three - 4 * four
    one = 4 * points.count - 2 * (two_adjacent + two_diagonal) - 3 * three - 4 * four
    area = one / 8 + two_adjacent / 2 + two_diagonal / 4 + three * 7 / 8 + four
    return area, two_adjacent + math.sqrt(0.5) * (one + three + 2 * two_diagonal)


def support(points: LesionPoints, moments: Moments, directions: int = 128) -> Tensor:
    """Support function of the lesion about its centroid: how far it reaches in each direction.

    Direction k has the angle 2 pi k / N from the column axis towards larger rows. Only the first and last lesion pixel
    of a row can support, and half a pixel (as a diamond, the polygon's corners) is added.

    Returns:
        (B, N), pixels.
    """
    line = points.row.to(torch.int64)
    start = torch.full([line.shape[0], points.height], float("inf"), dtype=points.row.dtype, device=line.device)
    left = start.scatter_reduce(1, line, points.column, "amin").unsqueeze(2)
    right = (-start.scatter_reduce(1, line, -points.column, "amin")).unsqueeze(2)
    some = left <= right
    left = torch.where(some, left - moments.column.unsqueeze(2), 0.0)
    right = torch.where(some, right - moments.column.unsqueeze(2), 0.0)
    row = torch.arange(points.height, dtype=start.dtype, device=line.device).unsqueeze(0) - moments.row
    sine, cosine = direction_vectors(directions, start)
    reach = row.unsqueeze(2) * sine + torch.where(cosine > 0, right, left) * cosine
    reach = torch.where(some, reach, -float("inf")).amax(1)
    return reach + 0.5 * torch.maximum(cosine.abs(), sine.abs())


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


def ellipse_overlap(points: LesionPoints, moments: Moments) -> Tensor:
    """Intersection over union of the lesion and the ellipse of equal centroid and second moments, (B, 1) in 0..1."""
    distance = ellipse_form(moments, points.row - moments.row, points.column - moments.column)
    common = torch.where(distance <= 4, points.inside, 0.0).sum(1, keepdim=True)
    ellipse = 4 * math.pi * torch.sqrt(pixel_moments(moments)[2])
    return common / (points.count + ellipse - common)
