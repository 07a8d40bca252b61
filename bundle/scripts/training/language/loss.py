"""The closed loop's loss: words, masks, borders."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.errors import BundleError

#: Weights of the terms (RCMed's; ``presence`` is ours).
WEIGHTS = {"token": 1.0, "presence": 0.0, "bce": 0.5, "dice": 2.0, "boundary": 0.2}


def morphological_gradient(values: Tensor) -> Tensor:
    """Dilation minus erosion by 3 x 3 of (N, 1, H, W) in [0, 1]: large on borders."""
    return F.max_pool2d(values, 3, 1, 1) + F.max_pool2d(-values, 3, 1, 1)


class LanguageLoss(nn.Module):
    """Cross-entropy of the answers' tokens; cross-entropy, Dice and border of the masks that they draw.

    ``presence`` is the cross-entropy of the first tokens once more: *A* or *There is no* decides whether anything is
    drawn, and is one of fifty tokens of an answer.

    Args:
        weights: weights by term that differ from ``WEIGHTS``.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        unknown = sorted(set(weights or {}) - set(WEIGHTS))
        if unknown:
            raise BundleError(f'There is no loss "{unknown[0]}"; choose among: {", ".join(WEIGHTS)}.')
        self.weights = {**WEIGHTS, **(weights or {})}
        self.dice = DiceLoss(sigmoid=True, squared_pred=False)
        self.terms: dict[str, Tensor] = {}

    def forward(self, outputs: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum; ``terms`` holds its parts.

        Args:
            outputs: of :class:`scripts.networks.ClosedLoop`.
            target: ``targets`` (B, most, S, S), the masks of each answer in order.
        """
        drawn = outputs["drawn"]
        logits = outputs["mask_logits"].unsqueeze(1).float()
        truth = target["targets"][:, : drawn.shape[1]][drawn].unsqueeze(1).float()
        said = F.cross_entropy(outputs["token_logits"], outputs["tokens"], reduction="none")
        self.terms = {"token": said.mean(), "presence": said[outputs["first"]].mean()}
        if len(logits):
            inside = torch.sigmoid(logits)
            border = morphological_gradient(inside).clamp(1e-4, 1 - 1e-4)
            with torch.autocast(logits.device.type, enabled=False):
                self.terms["boundary"] = F.binary_cross_entropy(border.float(), morphological_gradient(truth))
            self.terms["bce"] = F.binary_cross_entropy_with_logits(logits, truth)
            self.terms["dice"] = self.dice(logits, truth)
        return sum(self.weights[name] * value for name, value in self.terms.items())
