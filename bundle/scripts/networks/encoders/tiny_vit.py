"""TinyViT as LiteMedSAM has it: an embedding of a quarter of the image's side, and finer maps."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from scripts.networks.prompt_encoder import LayerNorm2d

from .blocks import DETAIL_CHANNELS, EMBEDDING_CHANNELS, SKIP_CHANNELS, Fuse
from .window_attention import ConvNorm, ExpandedConv, Merging, WindowBlock


class Stage(nn.Module):
    """Blocks, and what leads to the next stage."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(self.blocks(x))


class TinyVit(nn.Module):
    """TinyViT-5M (Wu et al., ECCV 2022) with the stem, strides and neck of LiteMedSAM, and its tensors' names.

    The stem keeps every pixel, where TinyViT's own keeps a sixteenth of them: all stages see finer maps.
    """

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(ConvNorm(3, 32), nn.GELU(), ConvNorm(32, 64))
        self.patch_embed = nn.Sequential(OrderedDict(seq=stem))
        self.layers = nn.ModuleList(
            [
                Stage([ExpandedConv(64) for _ in range(2)], Merging(64, 128, 2)),
                Stage([WindowBlock(128, 4, 7) for _ in range(2)], Merging(128, 160, 2)),
                Stage([WindowBlock(160, 5, 14) for _ in range(6)], Merging(160, 320, 1)),
                Stage([WindowBlock(320, 10, 7) for _ in range(2)], nn.Identity()),
            ]
        )
        self.neck = nn.Sequential(
            nn.Conv2d(320, EMBEDDING_CHANNELS, 1, bias=False),
            LayerNorm2d(EMBEDDING_CHANNELS),
            nn.Conv2d(EMBEDDING_CHANNELS, EMBEDDING_CHANNELS, 3, padding=1, bias=False),
            LayerNorm2d(EMBEDDING_CHANNELS),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 3, S, S) in [0, 1] -> embedding (B, 256, S/4, S/4), maps (B, 128, S/2, S/2), (B, 64, S, S)."""
        whole = self.layers[0].blocks(self.patch_embed(image))
        half = self.layers[1].blocks(self.layers[0].downsample(whole))
        x = self.layers[2](self.layers[1].downsample(half))
        return self.neck(self.layers[3](x)), half, whole


class TinyVitEncoder(nn.Module):
    """LiteMedSAM's image encoder, with skips and detail grown from its finer maps.

    All maps are four times as fine as other encoders': the embedding is at S/4, skips are at S/2 and S, detail at S.
    It begins with random weights; :func:`load_litemedsam` gives it those of the checkpoint.

    Args:
        trainable: False freezes TinyViT, so that its embedding stays what LiteMedSAM's decoder knows; skips and detail
            always train.
    """

    def __init__(self, trainable: bool = True) -> None:
        super().__init__()
        self.vit = TinyVit()
        self.vit.requires_grad_(trainable)
        self.trainable = trainable
        self.fuse8 = Fuse(EMBEDDING_CHANNELS, 128, SKIP_CHANNELS[0])
        self.fuse4 = Fuse(SKIP_CHANNELS[0], 64, SKIP_CHANNELS[1])
        self.detail = nn.Sequential(
            nn.Conv2d(64, DETAIL_CHANNELS, 1, bias=False), nn.BatchNorm2d(DETAIL_CHANNELS), nn.ReLU(inplace=True)
        )

    def train(self, mode: bool = True) -> TinyVitEncoder:
        """As of every module; what is frozen keeps its statistics too."""
        super().train(mode)
        if not self.trainable:
            self.vit.eval()
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode.

        Args:
            image: normalised images, shape (B, 3, S, S), S a multiple of 4.

        Returns:
            E (B, 256, S/4, S/4), skips (B, 64, S/2, S/2) and (B, 32, S, S), detail (B, 16, S, S).
        """
        # As a pixel's channels lie together, permuting to tokens and back costs nothing.
        image = self.rescale(image).contiguous(memory_format=torch.channels_last)
        embedding, half, whole = self.vit(image)
        skip8 = self.fuse8(embedding, half)
        return embedding, skip8, self.fuse4(skip8, whole), self.detail(whole)

    def rescale(self, image: Tensor) -> Tensor:
        """From (x - 0.25) / 0.25, which every encoder is given, to LiteMedSAM's [0, 1], from each image's least value
        to its greatest. What was padded is 0, as black is."""
        least = image.amin(dim=(1, 2, 3), keepdim=True)
        span = image.amax(dim=(1, 2, 3), keepdim=True) - least
        return (image - least) / span.clamp(min=1e-6)
