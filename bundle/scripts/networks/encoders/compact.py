"""A compact convolutional encoder, small enough to train from nothing."""

from collections.abc import Sequence

from torch import nn

from .blocks import ResidualBlock, StagedEncoder


class CompactEncoder(StagedEncoder):
    """Residual encoder with a top-down path, small enough to train from scratch on about 1,600 images.

    Args:
        channels: channels at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at each stride.
    """

    def __init__(
        self, channels: Sequence[int] = (16, 32, 64, 128, 192), blocks: Sequence[int] = (1, 2, 2, 2, 1)
    ) -> None:
        stem = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 2, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU(inplace=True)
        )
        stages: list[nn.Module] = []
        width = channels[0]
        for level, (out, depth) in enumerate(zip(channels, blocks, strict=True)):
            layers: list[nn.Module] = [stem] if level == 0 else []
            for i in range(depth):
                layers.append(ResidualBlock(width, out, 2 if level > 0 and i == 0 else 1))
                width = out
            stages.append(nn.Sequential(*layers))
        super().__init__(stages, channels)
