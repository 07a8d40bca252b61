"""SAM's prompt encoder and mask decoder over a batch of images and their K candidate boxes at once.

The originals take one image at a time and cannot be scripted. Parameter names are those of ``segment_anything``
(Kirillov et al., 2023), so ``sam_vit_*.pth`` and MedSAM checkpoints load; a test holds the outputs equal.
"""

import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .image_encoder import EMBEDDING_CHANNELS, SKIP_CHANNELS
from .two_way_transformer import TwoWayTransformer


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(1, keepdim=True)
        x = centred / torch.sqrt(centred.pow(2).mean(1, keepdim=True) + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int, num_layers: int) -> None:
        super().__init__()
        widths = [in_dim] + [hidden_dim] * (num_layers - 1) + [out_dim]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:])])

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = layer(x) if i == last else F.relu(layer(x))
        return x


class PositionEmbeddingRandom(nn.Module):
    """Random Fourier features of coordinates in [0, 1]."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, num_pos_feats: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, num_pos_feats))

    def forward(self, coordinates: Tensor) -> Tensor:
        """(..., 2) x, y in [0, 1] -> (..., 2 * num_pos_feats)."""
        projected = 2 * math.pi * ((2 * coordinates - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([torch.sin(projected), torch.cos(projected)], dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """Encoding of the cell centres of a grid, shape (C, height, width)."""
        device = self.positional_encoding_gaussian_matrix.device
        ys = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
        xs = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
        y = ys[:, None].expand(height, width)
        x = xs[None, :].expand(height, width)
        return self.forward(torch.stack([x, y], dim=-1)).permute(2, 0, 1)


class PromptEncoder(nn.Module):
    """SAM's prompt encoder, for boxes with coarse masks.

    ``point_embeddings.0`` and ``.1``, ``not_a_point_embed`` and ``no_mask_embed`` serve prompts that this network
    never gives; SAM's files hold them, and ``pretrained.py`` leaves them out.
    """

    def __init__(self, embed_dim: int = EMBEDDING_CHANNELS) -> None:
        super().__init__()
        self.pe_layer = PositionEmbeddingRandom(embed_dim // 2)
        # Numbered as in SAM: 2 and 3 are a box's top-left and bottom-right corner.
        self.point_embeddings = nn.ModuleDict({"2": nn.Embedding(1, embed_dim), "3": nn.Embedding(1, embed_dim)})
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, 2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, embed_dim, 1),
        )

    def forward(self, boxes: Tensor, masks: Tensor, image_size: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
        """Encode boxes and coarse masks.

        Args:
            boxes: x1, y1, x2, y2 in pixels, shape (N, 4).
            masks: logits of a coarse mask for each, shape (N, 1, 4h, 4w).
            image_size: height and width of the image in pixels.

        Returns:
            sparse prompt embeddings (N, 2, C), dense ones (N, C, h, w).
        """
        height, width = image_size
        # SAM encodes the centre of a pixel.
        corners = (boxes + 0.5).reshape(-1, 2, 2)
        scale = torch.tensor([1.0 / width, 1.0 / height], dtype=boxes.dtype, device=boxes.device)
        encoded = self.pe_layer(corners * scale)
        kinds = torch.cat([self.point_embeddings["2"].weight, self.point_embeddings["3"].weight], dim=0)
        return encoded + kinds, self.mask_downscaling(masks)


class MaskDecoder(nn.Module):
    """SAM's mask decoder with finer skips (as in SAM 2), for many boxes of many images.

    Args:
        transformer_dim: channels of the image embedding.
        mlp_dim: hidden width of the transformer's MLPs (SAM: 2048).
        depth: transformer layers (SAM: 2).
        num_multimask_outputs: additional mask tokens (SAM: 3); the one of a single unambiguous box, 0, is used.
        skip_channels: channels of the skips at twice and four times the embedding's resolution.
    """

    def __init__(
        self,
        transformer_dim: int = EMBEDDING_CHANNELS,
        mlp_dim: int = 512,
        depth: int = 2,
        num_multimask_outputs: int = 0,
        skip_channels: Tuple[int, int] = SKIP_CHANNELS,
    ) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(depth, transformer_dim, 8, mlp_dim)
        self.num_mask_tokens = num_multimask_outputs + 1
        self.iou_token = nn.Embedding(1, transformer_dim)
        self.mask_tokens = nn.Embedding(self.num_mask_tokens, transformer_dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(transformer_dim, transformer_dim // 4, 2, 2),
            LayerNorm2d(transformer_dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(transformer_dim // 4, transformer_dim // 8, 2, 2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            [MLP(transformer_dim, transformer_dim, transformer_dim // 8, 3) for _ in range(self.num_mask_tokens)]
        )
        self.iou_prediction_head = MLP(transformer_dim, 256, self.num_mask_tokens, 3)
        self.skip8 = nn.Conv2d(skip_channels[0], transformer_dim // 4, 1)
        self.skip4 = nn.Conv2d(skip_channels[1], transformer_dim // 8, 1)

    def forward(
        self,
        embedding: Tensor,
        position: Tensor,
        sparse: Tensor,
        dense: Tensor,
        skips: Optional[Tuple[Tensor, Tensor]],
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Segment every box of every image.

        Args:
            embedding: image embedding E, shape (B, C, h, w).
            position: its position encoding, shape (C, h, w).
            sparse: embeddings of K boxes per image, shape (B * K, 2, C).
            dense: embeddings of their coarse masks, shape (B * K, C, h, w).
            skips: finer features (B, 64, 2h, 2w) and (B, 32, 4h, 4w); None gives SAM's own decoder.

        Returns:
            mask logits (B, K, 4h, 4w), region embeddings (B, K, C), raw predicted quality (B, K).
        """
        batch, channels, height, width = embedding.shape
        candidates = sparse.shape[0] // batch
        output_tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight], dim=0)
        tokens = torch.cat([output_tokens.unsqueeze(0).expand(sparse.shape[0], -1, -1), sparse], dim=1)
        source = embedding.repeat_interleave(candidates, dim=0) + dense

        tokens, source = self.transformer(source, position.unsqueeze(0), tokens)
        quality_token, mask_token = tokens[:, 0], tokens[:, 1]

        source = source.transpose(1, 2).reshape(batch * candidates, channels, height, width)
        upscaled = self._upscale(source, candidates, skips)
        weights: List[Tensor] = []
        for i, mlp in enumerate(self.output_hypernetworks_mlps):
            if i == 0:
                weights.append(mlp(mask_token))
        masks = torch.einsum("nc,nchw->nhw", weights[0], upscaled)
        quality = self.iou_prediction_head(quality_token)[:, 0]
        return (
            masks.reshape(batch, candidates, 4 * height, 4 * width),
            mask_token.reshape(batch, candidates, channels),
            quality.reshape(batch, candidates),
        )

    def _upscale(self, source: Tensor, candidates: int, skips: Optional[Tuple[Tensor, Tensor]]) -> Tensor:
        x = self.output_upscaling[0](source)
        if skips is not None:
            x = x + self.skip8(skips[0]).repeat_interleave(candidates, dim=0)
        x = self.output_upscaling[2](self.output_upscaling[1](x))
        x = self.output_upscaling[3](x)
        if skips is not None:
            x = x + self.skip4(skips[1]).repeat_interleave(candidates, dim=0)
        return self.output_upscaling[4](x)
