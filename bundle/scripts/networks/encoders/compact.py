"""A compact convolutional encoder, the default."""

from collections.abc import Sequence

from torch import Tensor, nn

from .blocks import EMBEDDING_CHANNELS, SKIP_CHANNELS, Fuse, ResidualBlock


class CompactEncoder(nn.Module):
    """Residual encoder with a top-down path, small enough to train from scratch on about 1,600 images.

    Args:
        channels: channels at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at each stride.
    """

    def __init__(
        self, channels: Sequence[int] = (16, 32, 64, 128, 192), blocks: Sequence[int] = (1, 2, 2, 2, 1)
    ) -> None:
        super().__init__()
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
        detail = self.stage2(image)
        x4 = self.stage4(detail)
        x8 = self.stage8(x4)
        x16 = self.stage16(x8)
        embedding = self.fuse16(self.stage32(x16), x16)
        skip8 = self.fuse8(embedding, x8)
        return embedding, skip8, self.fuse4(skip8, x4), detail


