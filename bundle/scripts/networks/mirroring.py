"""Two views of each image, as it is and left-right mirrored, and what they agree on; or one view alone."""

import torch
from torch import Tensor


def as_views(images: Tensor, mirrored: bool) -> Tensor:
    """Images (B, ..., W) -> with their mirror images after them (2B, ..., W), or alone."""
    return torch.cat([images, images.flip(-1)]) if mirrored else images


def mean_of_views(values: Tensor, mirrored: bool) -> Tensor:
    """What has no left and right (2B, ...) -> the mean of both views (B, ...)."""
    if not mirrored:
        return values
    return values.unflatten(0, (2, -1)).mean(0)


def mean_of_maps(maps: Tensor, mirrored: bool) -> Tensor:
    """Maps (2B, ..., W) -> the mean of the first view's and of the second's mirrored back (B, ..., W)."""
    if not mirrored:
        return maps
    views = maps.unflatten(0, (2, -1))
    return (views[0] + views[1].flip(-1)) / 2.0
