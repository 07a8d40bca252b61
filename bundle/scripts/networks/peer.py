"""Another network in Rad-VLSM's place: the same data, training and evaluation, for comparison."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .encoders.blocks import standardize
from .mirroring import as_views, mean_of_maps, mean_of_views


class Peer(nn.Module):
    """A segmenter or a classifier that answers by the names which training and evaluation ask for.

    What it does not say is neutral: a segmenter gives every class the same odds, a classifier the whole image as mask.

    Args:
        segmenter: images (B, 3, S, S) -> mask logits (B, 1, S, S).
        classifier: images (B, 3, S, S) -> logits of the C classes (B, C).
        num_classes: C, for a segmenter.
        mirror: as of :class:`RadVLSM`.

    Raises:
        ValueError: if not exactly one of the two is given.
    """

    def __init__(
        self,
        segmenter: nn.Module | None = None,
        classifier: nn.Module | None = None,
        num_classes: int = 2,
        mirror: bool = False,
    ) -> None:
        super().__init__()
        if (segmenter is None) == (classifier is None):
            raise ValueError("A peer is a segmenter or a classifier: give one of the two.")
        self.segmenter = segmenter
        self.classifier = classifier
        self.num_classes = num_classes
        self.mirror = mirror

    def forward_named(self, image: Tensor, text: Tensor | None = None) -> dict[str, Tensor]:
        """As :meth:`RadVLSM.forward_named`, of which it has ``mask_logits``, ``gated_mask_logits``,
        ``diagnosis_logits``, ``lesion_logit`` (the highest mask logit), ``reliability`` (mean probability inside) and
        ``indeterminate`` (never).

        Args:
            image: values in [0, 1], shape (B, 3, S, S).
            text: not read.
        """
        mirrored = self.mirror and not self.training
        x = standardize(as_views(image, mirrored))
        if self.segmenter is not None:
            mask = mean_of_maps(self.segmenter(x), mirrored)
            diagnosis = mask.new_zeros(mask.shape[0], self.num_classes)
        else:
            diagnosis = mean_of_views(self.classifier(x), mirrored)
            mask = torch.ones_like(image[:, :1])
        probability = torch.sigmoid(mask)
        inside = (mask > 0).to(mask.dtype)
        reliability = (probability * inside).sum(dim=(2, 3)) / inside.sum(dim=(2, 3)).clamp(min=1.0)
        return {
            "mask_logits": mask,
            "gated_mask_logits": mask,
            "diagnosis_logits": diagnosis,
            "lesion_logit": mask.amax(dim=(2, 3)),
            "reliability": reliability,
            "indeterminate": torch.zeros_like(reliability),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Mask logits of a segmenter (B, 1, S, S), diagnosis logits of a classifier (B, C)."""
        outputs = self.forward_named(image)
        return outputs["mask_logits"] if self.segmenter is not None else outputs["diagnosis_logits"]
