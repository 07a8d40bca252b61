"""Where the fused mask ends: candidates are drawn at S/4, the outline is mended at S/2."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders.blocks import DETAIL_CHANNELS


class MaskRefiner(nn.Module):
    """Adds to the fused mask what finer features say about its border.

    A small lesion spans few cells of S/4, and that grid cannot hold its outline. The last convolution begins at zero,
    so a network that was trained without this step is unchanged by it.

    Args:
        detail_channels: channels of the finer features.
        width: hidden channels.
    """

    def __init__(self, detail_channels: int = DETAIL_CHANNELS, width: int = 16) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(detail_channels + 1, width, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(inplace=True),
        )
        self.correction = nn.Conv2d(width, 1, 3, 1, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)

    def forward(self, fused: Tensor, detail: Tensor) -> Tensor:
        """Refine.

        Args:
            fused: fused mask logits, shape (B, 1, S/4, S/4).
            detail: finer features, shape (B, C, S/2, S/2).

        Returns:
            Mask logits, as fine as the detail, shape (B, 1, S/2, S/2).
        """
        size = [detail.shape[2], detail.shape[3]]
        coarse = F.interpolate(fused, size=size, mode="bilinear", align_corners=False)
        # Logits are unbounded, features are not: far from the border the mask is sure, and how sure does not matter.
        return coarse + self.correction(self.body(torch.cat([coarse.clamp(-4.0, 4.0), detail], dim=1)))
