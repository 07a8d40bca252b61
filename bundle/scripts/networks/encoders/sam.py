"""SAM's ViT as image encoder."""


from torch import Tensor, nn

from .blocks import DETAIL_CHANNELS, EMBEDDING_CHANNELS, SKIP_CHANNELS, Fuse, ResidualBlock


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

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As :meth:`CompactEncoder.forward`."""
        embedding = self.vit(image)
        detail2 = self.detail2(image)
        detail4 = self.detail4(detail2)
        skip8 = self.fuse8(embedding, self.detail8(detail4))
        return embedding, skip8, self.fuse4(skip8, detail4), detail2
