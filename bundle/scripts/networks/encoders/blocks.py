"""What image encoders are built from, and what each of them returns."""

from collections.abc import Sequence

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


class StagedEncoder(nn.Module):
    """Convolutions in five stages, each at half the resolution of the one before it, and a top-down path.

    Args:
        stages: to strides 2, 4, 8, 16 and 32.
        channels: of what each returns; the first of them is :data:`DETAIL_CHANNELS`.
    """

    def __init__(self, stages: Sequence[nn.Module], channels: Sequence[int]) -> None:
        super().__init__()
        self.stage2, self.stage4, self.stage8, self.stage16, self.stage32 = stages
        self.fuse16 = Fuse(channels[4], channels[3], EMBEDDING_CHANNELS)
        self.fuse8 = Fuse(EMBEDDING_CHANNELS, channels[2], SKIP_CHANNELS[0])
        self.fuse4 = Fuse(SKIP_CHANNELS[0], channels[1], SKIP_CHANNELS[1])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode.

        Args:
            image: normalised images, shape (B, 3, S, S), S a multiple of 32.

        Returns:
            E (B, 256, S/16, S/16), skips (B, 64, S/8, S/8) and (B, 32, S/4, S/4), detail (B, 16, S/2, S/2).
        """
        return self.top_down(self.bottom_up(image))

    def bottom_up(self, image: Tensor) -> list[Tensor]:
        """What the five stages return, finest first; image as in :meth:`forward`."""
        detail = self.stage2(self.rescale(image))
        x4 = self.stage4(detail)
        x8 = self.stage8(x4)
        x16 = self.stage16(x8)
        return [detail, x4, x8, x16, self.stage32(x16)]

    def top_down(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From the stages' maps to what :meth:`forward` returns."""
        embedding = self.fuse16(maps[4], maps[3])
        skip8 = self.fuse8(embedding, maps[2])
        return embedding, skip8, self.fuse4(skip8, maps[1]), maps[0]

    def rescale(self, image: Tensor) -> Tensor:
        """From what every encoder is given to what the stages take."""
        return image
