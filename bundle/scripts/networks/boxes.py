"""Boxes as tensors: overlap, rasterising, growing, drawing at random."""

import math

import torch
from torch import Tensor


def box_iou(boxes: Tensor) -> Tensor:
    """Pairwise intersection over union of x1, y1, x2, y2 boxes, shape (B, N, 4) -> (B, N, N)."""
    a, b = boxes.unsqueeze(2), boxes.unsqueeze(1)
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    intersection = size[..., 0] * size[..., 1]
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return intersection / (area.unsqueeze(2) + area.unsqueeze(1) - intersection).clamp(min=1e-6)


def rasterize(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes in cells (B, N, 4) -> which cells' centres they hold, shape (B, N, height, width), 0 or 1."""
    y = torch.arange(height, device=boxes.device, dtype=boxes.dtype) + 0.5
    x = torch.arange(width, device=boxes.device, dtype=boxes.dtype) + 0.5
    rows = (y >= boxes[..., 1:2]) & (y < boxes[..., 3:4])
    columns = (x >= boxes[..., 0:1]) & (x < boxes[..., 2:3])
    return (rows.unsqueeze(-1) & columns.unsqueeze(-2)).to(boxes.dtype)


def box_masks(boxes: Tensor, image_size: int, cells: int, logit: float = 5.0) -> Tensor:
    """Each box as SAM's coarse mask prompt: a decoder that meets a box as two corners alone learns to pass over it.

    Args:
        boxes: x1, y1, x2, y2 in pixels, shape (B, K, 4).
        image_size: S, pixels.
        cells: along each side of the mask, 4 to each of the embedding E.
        logit: how surely its inside is the object and its outside is not.

    Returns:
        Logits, plus and minus ``logit``, shape (B * K, 1, cells, cells).
    """
    inside = rasterize(boxes * (float(cells) / float(image_size)), cells, cells).flatten(0, 1).unsqueeze(1)
    return logit * (2.0 * inside - 1.0)


def grow(boxes: Tensor, fraction: float, cells: float, height: int, width: int) -> Tensor:
    """Widen boxes on every side by a fraction of their size and a number of cells, within the map."""
    size = boxes[..., 2:] - boxes[..., :2]
    by = fraction * size + cells
    limit = torch.tensor([float(width), float(height)], device=boxes.device, dtype=boxes.dtype)
    low = (boxes[..., :2] - by).clamp(min=0)
    return torch.cat([low, torch.minimum(boxes[..., 2:] + by, limit)], dim=-1)


def random_boxes(like: Tensor, image_size: int) -> Tensor:
    """Boxes in pixels anywhere in the image, sides between a twelfth and a half of it, shaped as ``like`` (B, K, 4)."""
    sides = torch.exp(torch.empty_like(like[..., :2]).uniform_(math.log(1 / 12), math.log(1 / 2))) * image_size
    low = torch.rand_like(sides) * (image_size - sides)
    return torch.cat([low, low + sides], dim=-1)
