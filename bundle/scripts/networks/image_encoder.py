"""Shared image embedding: a compact convolutional encoder (default) or SAM's ViT."""

from typing import List, Sequence, Tuple

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
        stages: List[nn.Module] = []
        width = channels[0]
        for level, (out, depth) in enumerate(zip(channels, blocks)):
            layers: List[nn.Module] = [stem] if level == 0 else []
            for i in range(depth):
                layers.append(ResidualBlock(width, out, 2 if level > 0 and i == 0 else 1))
                width = out
            stages.append(nn.Sequential(*layers))
        self.stage2, self.stage4, self.stage8, self.stage16, self.stage32 = stages
        self.fuse16 = Fuse(channels[4], channels[3], EMBEDDING_CHANNELS)
        self.fuse8 = Fuse(EMBEDDING_CHANNELS, channels[2], SKIP_CHANNELS[0])
        self.fuse4 = Fuse(SKIP_CHANNELS[0], channels[1], SKIP_CHANNELS[1])

    def forward(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
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


class SamEncoder(nn.Module):
    """SAM's ViT image encoder from ``segment_anything``, with skips at S/8 and S/4 grown from its embedding.

    Args:
        variant: ``vit_b``, ``vit_l`` or ``vit_h``.
        image_size: working resolution S in pixels; position embeddings are made for S/16 x S/16.
        trainable: False freezes the ViT (the skips always train).
    """

    SIZES = {
        "vit_b": dict(embed_dim=768, depth=12, num_heads=12, global_attn_indexes=(2, 5, 8, 11)),
        "vit_l": dict(embed_dim=1024, depth=24, num_heads=16, global_attn_indexes=(5, 11, 17, 23)),
        "vit_h": dict(embed_dim=1280, depth=32, num_heads=16, global_attn_indexes=(7, 15, 23, 31)),
    }

    def __init__(self, variant: str = "vit_b", image_size: int = 256, trainable: bool = True) -> None:
        super().__init__()
        from segment_anything.modeling import ImageEncoderViT

        self.vit = ImageEncoderViT(
            img_size=image_size,
            patch_size=16,
            mlp_ratio=4,
            qkv_bias=True,
            use_rel_pos=True,
            window_size=14,
            out_chans=EMBEDDING_CHANNELS,
            norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6),
            **self.SIZES[variant],
        )
        self.vit.requires_grad_(trainable)
        # A ViT has one resolution; a shallow convolutional side branch sees the pixels that its patches blur.
        self.detail2 = nn.Sequential(
            nn.Conv2d(3, DETAIL_CHANNELS, 3, 2, 1, bias=False), nn.BatchNorm2d(DETAIL_CHANNELS), nn.ReLU(inplace=True)
        )
        self.detail4 = ResidualBlock(DETAIL_CHANNELS, SKIP_CHANNELS[1], 2)
        self.detail8 = ResidualBlock(SKIP_CHANNELS[1], SKIP_CHANNELS[0], 2)
        self.fuse8 = Fuse(EMBEDDING_CHANNELS, SKIP_CHANNELS[0], SKIP_CHANNELS[0])
        self.fuse4 = Fuse(SKIP_CHANNELS[0], SKIP_CHANNELS[1], SKIP_CHANNELS[1])

    def forward(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """As :meth:`CompactEncoder.forward`."""
        embedding = self.vit(image)
        detail2 = self.detail2(image)
        detail4 = self.detail4(detail2)
        skip8 = self.fuse8(embedding, self.detail8(detail4))
        return embedding, skip8, self.fuse4(skip8, detail4), detail2
