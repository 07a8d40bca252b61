"""Where lesions lie and how large they are in the references: Gaussians of their masks' moments."""

import torch
from torch import Tensor


def mask_moments(masks: Tensor) -> Tensor:
    """Centroid and second central moments of each mask.

    Args:
        masks: 0 or 1, none of them empty, shape (N, 1, S, S).

    Returns:
        Column, row, variance of columns, covariance, variance of rows, in sides of the image, shape (N, 5).
    """
    size = masks.shape[-1]
    centers = (torch.arange(size, device=masks.device, dtype=masks.dtype) + 0.5) / size
    total = masks.sum(dim=(1, 2, 3))
    column = (masks * centers).sum(dim=(1, 2, 3)) / total
    row = (masks * centers[:, None]).sum(dim=(1, 2, 3)) / total
    x = centers[None, None, None, :] - column.reshape(-1, 1, 1, 1)
    y = centers[None, None, :, None] - row.reshape(-1, 1, 1, 1)
    second = [(masks * product).sum(dim=(1, 2, 3)) / total for product in (x * x, x * y, y * y)]
    return torch.stack([column, row, *second], dim=1)


def gaussian_map(moments: Tensor, size: int) -> Tensor:
    """The mean of the masks' Gaussians on a grid, each 1 at its centre.

    Args:
        moments: of :func:`mask_moments`, shape (N, 5).
        size: rows and columns of the grid.

    Returns:
        Shape (1, 1, size, size), in (0, 1].
    """
    centers = (torch.arange(size, device=moments.device, dtype=moments.dtype) + 0.5) / size
    x = centers[None, None, :] - moments[:, 0, None, None]
    y = centers[None, :, None] - moments[:, 1, None, None]
    # A lesion of one cell still has an extent.
    xx, xy, yy = moments[:, 2, None, None] + 1e-4, moments[:, 3, None, None], moments[:, 4, None, None] + 1e-4
    distance = (yy * x * x - 2 * xy * x * y + xx * y * y) / (xx * yy - xy * xy)
    return torch.exp(-0.5 * distance).mean(dim=0)[None, None]
