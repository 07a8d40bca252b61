"""What image encoders are built from, and what each of them returns."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Channels of what every image encoder returns: embedding E at S/16, skips at S/8 and S/4, detail at S/2.
EMBEDDING_CHANNELS = 256
SKIP_CHANNELS = (64, 32)
DETAIL_CHANNELS = 16


def standardize(image: Tensor) -> Tensor:
    """Images in [0, 1] -> what every image encoder takes; an ultrasound image is dark, about 0.25 on average."""
    return (image - 0.25) / 0.25


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation and a shortcut (He et al., 2016)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class Fuse(nn.Module):
    """One top-down step: upsample the coarse map, concatenate the finer one, convolve.

    Args:
        coarse: channels of the coarse map.
        fine: channels of the map twice as fine.
        out_channels: channels of the result.
        groups: of group normalisation; 0 normalises over the batch.
    """

    def __init__(self, coarse: int, fine: int, out_channels: int, groups: int = 0) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse, out_channels, 1, bias=False)
        self.block = nn.Sequential(
            nn.Conv2d(out_channels + fine, out_channels, 3, 1, 1, bias=False),
            nn.GroupNorm(groups, out_channels) if groups > 0 else nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        # Reduced before it is upsampled: the same function at a quarter of the cost.
        up = F.interpolate(self.reduce(coarse), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.block(torch.cat([up, fine], dim=1))
