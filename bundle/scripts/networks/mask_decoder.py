"""SAM's mask decoder over a batch of images and their K candidate boxes at once.

The originals take one image at a time and cannot be scripted. Parameter names are those of ``segment_anything``
(Kirillov et al., 2023), so ``sam_vit_*.pth`` and MedSAM checkpoints load; a test holds the outputs equal.
"""


import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders.blocks import EMBEDDING_CHANNELS, SKIP_CHANNELS
from .prompt_encoder import LayerNorm2d
from .two_way_transformer import TwoWayTransformer


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int, num_layers: int) -> None:
        super().__init__()
        widths = [in_dim] + [hidden_dim] * (num_layers - 1) + [out_dim]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = layer(x) if i == last else F.relu(layer(x))
        return x






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
        skip_channels: tuple[int, int] = SKIP_CHANNELS,
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
        skips: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
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
        weights: list[Tensor] = []
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

    def _upscale(self, source: Tensor, candidates: int, skips: tuple[Tensor, Tensor] | None) -> Tensor:
        x = self.output_upscaling[0](source)
        if skips is not None:
            x = x + self.skip8(skips[0]).repeat_interleave(candidates, dim=0)
        x = self.output_upscaling[2](self.output_upscaling[1](x))
        x = self.output_upscaling[3](x)
        if skips is not None:
            x = x + self.skip4(skips[1]).repeat_interleave(candidates, dim=0)
        return self.output_upscaling[4](x)
