"""What a group would build on the same pretrained encoder: a U-Net, and a classifier of the whole image."""

from monai.networks.nets.flexible_unet import SegmentationHead, UNetDecoder
from torch import Tensor, nn

from .encoders.efficientnet_lite import EfficientNetLiteEncoder, load_imagenet

#: Channels of the stages of EfficientNet-Lite0, at strides 2, 4, 8, 16 and 32.
STAGE_CHANNELS = (16, 24, 40, 112, 320)


class EfficientNetLiteStages(EfficientNetLiteEncoder):
    """The five stages alone: the top-down path is Rad-VLSM's own."""

    def __init__(self) -> None:
        super().__init__()
        del self.fuse16, self.fuse8, self.fuse4

    def forward(self, image: Tensor) -> list[Tensor]:  # type: ignore[override]
        """Normalised images (B, 3, S, S) -> what each stage returns, the finest first."""
        x, maps = self.rescale(image), []
        for stage in (self.stage2, self.stage4, self.stage8, self.stage16, self.stage32):
            x = stage(x)
            maps.append(x)
        return maps


class PretrainedUNet(nn.Module):
    """MONAI's U-Net decoder on EfficientNet-Lite0.

    Args:
        encoder_weights: as of :func:`load_imagenet`.

    Raises:
        BundleError: as of :func:`load_imagenet`.
    """

    def __init__(self, encoder_weights: str | None = None) -> None:
        super().__init__()
        self.image_encoder = EfficientNetLiteStages()
        self.decoder = UNetDecoder(
            spatial_dims=2,
            encoder_channels=(3, *STAGE_CHANNELS),
            decoder_channels=(256, 128, 64, 32, 16),
            act=("relu", {"inplace": True}),
            norm="batch",
            dropout=0.0,
            bias=False,
            upsample="nontrainable",
            pre_conv="default",
            interp_mode="nearest",
            align_corners=None,
            is_pad=False,
        )
        self.head = SegmentationHead(spatial_dims=2, in_channels=16, out_channels=1)
        load_imagenet(self, encoder_weights)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised images (B, 3, S, S), S a multiple of 32 -> mask logits (B, 1, S, S)."""
        return self.head(self.decoder(self.image_encoder(image), skip_connect=len(STAGE_CHANNELS) - 1))


class PretrainedClassifier(nn.Module):
    """EfficientNet-Lite0, pooled over the whole image.

    Args:
        num_classes: C.
        encoder_weights: as of :func:`load_imagenet`.
        dropout: before the classifier.

    Raises:
        BundleError: as of :func:`load_imagenet`.
    """

    def __init__(self, num_classes: int, encoder_weights: str | None = None, dropout: float = 0.2) -> None:
        super().__init__()
        self.image_encoder = EfficientNetLiteStages()
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(STAGE_CHANNELS[-1], num_classes))
        load_imagenet(self, encoder_weights)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised images (B, 3, S, S) -> logits of the classes (B, C)."""
        return self.head(self.image_encoder(image)[-1].mean(dim=(2, 3)))
