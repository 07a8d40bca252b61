"""Shape and orientation: scale-free descriptors of the lesion's outline and of how it lies in the tissue.

Components are taken together. The outline is the marching-squares polygon through the midpoints between lesion and
background pixels, as in pyradiomics' `shape2D`.
"""

import math

import torch
from torch import Tensor

from .points import (
    Box,
    LesionPoints,
    Moments,
    ratio,
    segment_max,
    segment_min,
    segment_sum,
)

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
    mask: Tensor, valid: Tensor, points: LesionPoints, moments: Moments, box: Box, hull_support: Tensor
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
        mask: (B, 1, H, W), lesion where above 0.5.
        valid: (B, 1, H, W) 0/1, the field of view.
        points: the lesion's pixels.
        moments: their moments.
        box: their bounding box.
        hull_support: `support(points, moments)`, (B, N).

    Returns:
        (B, 12) float64.
    """
    height = box.bottom - box.top + 1
    width = box.right - box.left + 1
    pixel = 1.0 / 12.0  # second moment of a unit square: a pixel is an area, not a point
    tall = moments.row_row + pixel
    wide = moments.column_column + pixel

    half_trace = (moments.row_row + moments.column_column) / 2
    spread = torch.sqrt(((moments.row_row - moments.column_column) / 2) ** 2 + moments.row_column**2)
    elongation = torch.sqrt(ratio((half_trace - spread).clamp(min=0), half_trace + spread))

    area, perimeter = polygon_area_and_perimeter(mask)
    hull_area, hull_perimeter = hull_area_and_perimeter(hull_support)
    directions = hull_support.shape[1]
    caliper = hull_support + hull_support.roll(directions // 2, 1)
    return torch.stack(
        [
            height / width,
            torch.sqrt(tall / wide),
            (wide - tall) / (wide + tall),
            elongation,
            ratio(caliper.amin(1), caliper.amax(1)),
            points.count / (height * width),
            ratio(area, hull_area),
            ratio(hull_perimeter, perimeter),
            ratio(2 * torch.sqrt(math.pi * area), perimeter),
            ratio(4 * math.pi * hull_area, hull_perimeter**2),
            ellipse_overlap(points, moments),
            ratio(points.count, valid.flatten(1).sum(1).to(torch.float64)),
        ],
        1,
    )


def polygon_area_and_perimeter(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Area (pixels) and perimeter (pixel sides) of the marching-squares polygon, each (B,) float64.

    Each 2x2 neighbourhood holds one of 16 patterns and contributes a fixed area and length.
    """
    inside = torch.nn.functional.pad((mask[:, 0] > 0.5).to(torch.uint8), [1, 1, 1, 1])
    pattern = inside[:, :-1, :-1] + 2 * inside[:, :-1, 1:] + 4 * inside[:, 1:, :-1] + 8 * inside[:, 1:, 1:]
    pattern = pattern.flatten(1).to(torch.int64)
    histogram = torch.zeros([mask.shape[0], 16], dtype=torch.float64, device=mask.device)
    histogram = histogram.scatter_add(1, pattern, torch.ones_like(pattern, dtype=torch.float64))
    # corners in the pattern:   0  1  1  2  1  2  2* 3  1  2* 2  3  2  3  3  4    (* on a diagonal, kept apart)
    d = math.sqrt(0.5)
    length = [0.0, d, d, 1.0, d, 1.0, 2 * d, d, d, 2 * d, 1.0, d, 1.0, d, d, 0.0]
    a, b, c = 0.125, 0.5, 0.875
    surface = [0.0, a, a, b, a, b, 0.25, c, a, 0.25, b, c, b, c, c, 1.0]
    area = histogram * torch.tensor(surface, dtype=torch.float64, device=mask.device)
    perimeter = histogram * torch.tensor(length, dtype=torch.float64, device=mask.device)
    return area.sum(1), perimeter.sum(1)


def support(points: LesionPoints, moments: Moments, directions: int = 128) -> Tensor:
    """Support function of the lesion about its centroid: how far it reaches in each direction.

    Direction k has the angle 2 pi k / N from the column axis towards larger rows. Only the first and last lesion pixel
    of a row can support, and half a pixel (as a diamond, the polygon's corners) is added.

    Returns:
        (B, N) float64 in pixels; zeros for an empty mask.
    """
    images = points.count.shape[0]
    line = points.batch * points.height + points.row
    column = points.column.to(torch.float64)
    shape = [images, points.height, 1]
    left = segment_min(column, line, images * points.height).view(shape) - moments.column.view(-1, 1, 1)
    right = segment_max(column, line, images * points.height).view(shape) - moments.column.view(-1, 1, 1)
    row = torch.arange(points.height, dtype=torch.float64, device=column.device).view(1, -1, 1)
    row = row - moments.row.view(-1, 1, 1)
    some = left <= right
    left = torch.where(some, left, 0.0)
    right = torch.where(some, right, 0.0)
    angle = torch.arange(directions, dtype=torch.float64, device=column.device) * (2 * math.pi / directions)
    cosine, sine = torch.cos(angle).view(1, 1, -1), torch.sin(angle).view(1, 1, -1)
    reach = row * sine + torch.where(cosine > 0, right, left) * cosine
    reach = torch.where(some, reach, -float("inf")).amax(1)
    reach = reach + 0.5 * torch.maximum(cosine.abs(), sine.abs()).view(1, -1)
    return torch.where(points.count.view(-1, 1) > 0, reach, 0.0)


def hull_area_and_perimeter(hull_support: Tensor) -> tuple[Tensor, Tensor]:
    """Area and perimeter of the convex hull, circumscribed with one edge per direction, each (B,).

    With 128 directions a disc's area is 0.02 % too large; polygons with edges at multiples of 2.8 degrees are exact.
    """
    step = 2 * math.pi / hull_support.shape[1]
    neighbours = hull_support.roll(1, 1) + hull_support.roll(-1, 1)
    edge = ((neighbours - 2 * math.cos(step) * hull_support) / math.sin(step)).clamp(min=0)
    return 0.5 * (hull_support * edge).sum(1), edge.sum(1)


def ellipse_overlap(points: LesionPoints, moments: Moments) -> Tensor:
    """Intersection over union of the lesion and the ellipse of equal centroid and second moments, (B,) in 0..1."""
    images = points.count.shape[0]
    row = points.row.to(torch.float64) - moments.row[points.batch]
    column = points.column.to(torch.float64) - moments.column[points.batch]
    distance = ellipse_form(moments, points.batch, row, column)
    common = segment_sum((distance <= 4).to(torch.float64), points.batch, images)
    return ratio(common, points.count + 4 * math.pi * torch.sqrt(determinant(moments)) - common)


def determinant(moments: Moments) -> Tensor:
    """Determinant of the covariance of the lesion's pixel squares, (B,), never zero."""
    return (moments.row_row + 1 / 12.0) * (moments.column_column + 1 / 12.0) - moments.row_column**2


def ellipse_form(moments: Moments, batch: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Squared Mahalanobis distance of offsets from the centroid, shape of `row`; the fitted ellipse is where it is 4."""
    tall = (moments.row_row + 1 / 12.0)[batch]
    wide = (moments.column_column + 1 / 12.0)[batch]
    mixed = moments.row_column[batch]
    return (wide * row * row - 2 * mixed * row * column + tall * column * column) / determinant(moments)[batch]
