"""Colour descriptors, for sites whose images are coloured: channel statistics and variety of colour."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .lesion_rows import contrast, ratio

_CHANNELS = ["red", "green", "blue"]
COLOR_NAMES: list[str] = [
    *[f"color_{channel}_{figure}" for figure in ("mean", "std", "contrast") for channel in _CHANNELS],
    "color_red_green_std",
    "color_yellow_blue_std",
    "color_entropy",
]


def color_descriptors(image: Tensor, mask: Tensor, rim: int = 0, levels: int = 4) -> Tensor:
    """Colours of lesions, and how they differ from the rim around them.

    Args:
        image: (B, 3, H, W), red, green and blue in [0, 1]; pixels of pure zeros are padding.
        mask: (B, 1, H, W), lesion where above 0.5.
        rim: width of the rim in pixels; 0 takes a sixteenth of the image's height.
        levels: of each channel, among which colours are told apart for their entropy.

    Returns:
        (B, 12) by ``COLOR_NAMES``: mean and standard deviation of each channel; Michelson contrast of each with the
        rim; standard deviation of red minus green and of yellow minus blue; entropy of the colours, as
        a share of that of all colours alike. All zero for an empty mask.
    """
    inside = (mask > 0.5).to(image.dtype)
    width = rim if rim > 0 else max(image.shape[2] // 16, 1)
    shown = (image.amax(dim=1, keepdim=True) > 0).to(image.dtype)
    around = (F.max_pool2d(inside, 2 * width + 1, 1, width) - inside) * shown
    count = inside.sum(dim=(2, 3))
    mean = ratio((image * inside).sum(dim=(2, 3)), count.expand(-1, 3))
    beside = ratio((image * around).sum(dim=(2, 3)), around.sum(dim=(2, 3)).expand(-1, 3))
    red_green = image[:, 0:1] - image[:, 1:2]
    yellow_blue = 0.5 * (image[:, 0:1] + image[:, 1:2]) - image[:, 2:3]

    bins = levels * levels * levels
    level = (image * levels).floor().clamp(0, levels - 1)
    color = ((level[:, 0] * levels + level[:, 1]) * levels + level[:, 2]).to(torch.int64).flatten(1)
    histogram = torch.zeros([image.shape[0], bins], dtype=image.dtype, device=image.device)
    share = ratio(histogram.scatter_add(1, color, inside[:, 0].flatten(1)), count.expand(-1, bins))
    entropy = -(share * (share + 1e-12).log()).sum(dim=1, keepdim=True)
    return torch.cat(
        [
            mean,
            _spread(image, inside, count),
            contrast(mean, beside),
            _spread(red_green, inside, count),
            _spread(yellow_blue, inside, count),
            entropy.clamp(min=0) / math.log(bins),
        ],
        1,
    )


def _spread(values: Tensor, inside: Tensor, count: Tensor) -> Tensor:
    """Standard deviation of each channel (B, C, H, W) inside the mask (B, 1, H, W), shape (B, C)."""
    counts = count.expand(-1, values.shape[1])
    mean = ratio((values * inside).sum(dim=(2, 3)), counts)
    offset = (values - mean.unsqueeze(-1).unsqueeze(-1)) * inside
    return ratio((offset * offset).sum(dim=(2, 3)), counts).sqrt()
