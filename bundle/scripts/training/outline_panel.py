"""Validation images with the true and the predicted outline, side by side in TensorBoard."""

from __future__ import annotations

from typing import Any

import torch
from ignite.engine import Engine
from monai.utils import convert_to_tensor
from torch import Tensor
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid

from scripts.epochs import EpochHandler
from scripts.writing.drawing import PREDICTED_COLOR, RGB, TRUE_COLOR


def draw_outlines(images: Tensor, masks: Tensor, color: RGB) -> Tensor:
    """Paint the outline of masks on images.

    Args:
        images: in [0, 1], shape (B, 3, S, S).
        masks: 0 or 1, shape (B, 1, S, S).
        color: red, green and blue, 0..255.

    Returns:
        New images; a mask's outermost pixels have the colour.
    """
    inner = 1.0 - F.max_pool2d(1.0 - masks, 3, 1, 1)
    outline = (masks > 0.5) & (inner < 0.5)
    return torch.where(outline, images.new_tensor(color).view(1, 3, 1, 1) / 255, images)


class OutlinePanel(EpochHandler):
    """Shows the first images of each validation in TensorBoard: true outline blue, predicted outline orange above it.

    Args:
        log_dir: TensorBoard's folder.
        images: how many.
    """

    def __init__(self, log_dir: str, images: int = 8) -> None:
        self.log_dir, self.images = log_dir, images
        self.drawn: list[Tensor] = []
        self.writer: SummaryWriter | None = None

    def start(self, engine: Engine) -> None:
        """Begin a new panel."""
        self.drawn = []

    def measure(self, engine: Any) -> None:
        """Take of this batch what the panel still lacks."""
        missing = self.images - len(self.drawn)
        if missing > 0:
            output = engine.state.output
            pictures, true, logits = (
                convert_to_tensor(values[:missing], track_meta=False, device="cpu").float()
                for values in (output["image"], output["label"]["mask"], output["pred"]["gated_mask_logits"])
            )
            pictures = draw_outlines(pictures, true, TRUE_COLOR)
            self.drawn += draw_outlines(pictures, (logits > 0).float(), PREDICTED_COLOR)

    def finish(self, engine: Engine) -> None:
        """Write the panel of this epoch."""
        self.writer = self.writer or SummaryWriter(self.log_dir)
        grid = make_grid(self.drawn, nrow=4, padding=4, pad_value=1.0)
        self.writer.add_image("validation/true blue, predicted orange", grid, engine.state.epoch)
        self.writer.flush()
