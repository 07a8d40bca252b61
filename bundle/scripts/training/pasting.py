"""Lesions of other images pasted beside an image's own: the decoder must draw the one in the box, not its favourite."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def dilate(mask: Tensor, pixels: int) -> Tensor:
    """Grow a mask (1, H, W), 0 or 1, by a square of so many pixels on each side."""
    window = 2 * pixels + 1
    return F.max_pool2d(F.max_pool2d(mask, (window, 1), 1, (pixels, 0)), (1, window), 1, (0, pixels))


def soften(mask: Tensor, pixels: int) -> Tensor:
    """Give a mask (1, H, W) a soft edge of about so many pixels."""
    half = pixels // 2
    for _ in range(2):
        mask = F.avg_pool2d(mask, (2 * half + 1, 1), 1, (half, 0), count_include_pad=False)
        mask = F.avg_pool2d(mask, (1, 2 * half + 1), 1, (0, half), count_include_pad=False)
    return mask


def shift(values: Tensor, down: int, right: int) -> Tensor:
    """Move (C, H, W) by whole pixels; what enters is zero."""
    height, width = values.shape[-2:]
    moved = torch.zeros_like(values)
    rows, columns = height - abs(down), width - abs(right)
    if rows > 0 and columns > 0:
        source = values[:, max(-down, 0) : max(-down, 0) + rows, max(-right, 0) : max(-right, 0) + columns]
        moved[:, max(down, 0) : max(down, 0) + rows, max(right, 0) : max(right, 0) + columns] = source
    return moved


def paste_lesions(image: Tensor, mask: Tensor, prob: float, tries: int = 8) -> tuple[Tensor, Tensor]:
    """Paste the lesion of the next image of a batch beside the own one (copy-paste, Ghiasi et al., CVPR 2021).

    The lesion comes with a rim of its surroundings, a soft edge, and the brightness of the place where it is put:
    inside the picture, clear of the own lesion. Where no such place is found, and where either image has no lesion,
    nothing is pasted.

    Args:
        image: values in [0, 1], shape (B, 3, S, S).
        mask: the lesions, 0 or 1, shape (B, 1, S, S).
        prob: share of the images that are tried.
        tries: places that are tried.

    Returns:
        The images, and where a lesion was pasted (B, 1, S, S), 0 or 1.
    """
    size = image.shape[-1]
    rim = max(size // 24, 1)
    image, pasted = image.clone(), torch.zeros_like(mask)
    donors, own = image.roll(-1, dims=0), mask.to(image.dtype)
    shown = mask.flatten(1).any(dim=1)
    chosen = (torch.rand(len(image)) < prob).to(shown.device) & shown & shown.roll(-1)
    for i in torch.nonzero(chosen).flatten().tolist():
        source = own[i + 1 - len(own)]
        keep_clear, rimmed = dilate(own[i], 2 * rim), soften(dilate(source, rim), rim)
        rows, columns = torch.nonzero(source[0]).unbind(1)
        bright = image[i].amax(dim=0) > 0
        picture = (bright.any(dim=1, keepdim=True) & bright.any(dim=0, keepdim=True)).to(image.dtype)
        for _ in range(tries):
            centre = torch.rand(2) * size
            down, right = int(centre[0] - rows.float().mean()), int(centre[1] - columns.float().mean())
            lesion = shift(source, down, right)
            if (lesion * picture).sum() < source.sum() or (lesion * keep_clear).any():
                continue
            alpha = shift(rimmed, down, right) * picture
            donor = shift(donors[i], down, right)
            edge = alpha * (1 - alpha)
            gain = ((edge * image[i]).sum() / (edge * donor).sum().clamp(min=1e-3)).clamp(0.5, 2.0)
            image[i] = alpha * (gain * donor).clamp(max=1.0) + (1 - alpha) * image[i]
            pasted[i] = lesion.to(pasted.dtype)
            break
    return image, pasted
