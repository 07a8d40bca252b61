"""SAM's prompt encoder for boxes, with segment-anything's parameter names."""

import math

import torch
from torch import Tensor, nn

from .encoders.blocks import EMBEDDING_CHANNELS


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
    never gives; SAM's files hold them, and :func:`load_sam` leaves them out.
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

    def forward(self, boxes: Tensor, masks: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
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
        return encoded + kinds, self.embed_masks(masks)

    def embed_masks(self, masks: Tensor) -> Tensor:
        """Coarse masks (N, 1, 4h, 4w) -> dense prompt embeddings (N, C, h, w)."""
        return self.mask_downscaling(masks)


class BoxPromptEncoder(PromptEncoder):
    """SAM's prompt encoder for boxes alone, as MedSAM and LiteMedSAM prompt their decoders; no mask is read."""

    def __init__(self, embed_dim: int = EMBEDDING_CHANNELS) -> None:
        super().__init__(embed_dim)
        self.mask_downscaling = nn.Identity()
        self.no_mask_embed = nn.Embedding(1, embed_dim)

    def embed_masks(self, masks: Tensor) -> Tensor:
        """The same embedding everywhere."""
        shape = [masks.shape[0], -1, masks.shape[2] // 4, masks.shape[3] // 4]
        return self.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(shape)
