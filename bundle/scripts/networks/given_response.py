"""A response map that comes from elsewhere than the text: candidates and reliability weights work on it as ever."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mirroring import as_views
from .rad_vlsm import RadVLSM


class _Given(nn.Module):
    """A semantic prompter that responds what it was given."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, embedding: Tensor, skip8: Tensor, position: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits, self.logits.amax(dim=(2, 3))


@torch.no_grad()
def segment_response(network: RadVLSM, images: Tensor, response: Tensor) -> Tensor:
    """Rad-VLSM's masks where a given map, instead of the text, says where to look; its gate has no part in them.

    Args:
        network: in evaluation mode; it stays as it is.
        images: in [0, 1], shape (B, 3, S, S).
        response: logits, one map for each image, shape (B, S, S); averaged to S/8.

    Returns:
        Mask logits, shape (B, S, S).
    """
    side = images.shape[-1] // 8
    logits = F.adaptive_avg_pool2d(response.unsqueeze(1), [side, side])
    other = copy.copy(network)
    other._modules = {**network._modules, "semantic_prompter": _Given(as_views(logits, network.mirror))}
    return other.forward_named(images)["mask_logits"][:, 0]
