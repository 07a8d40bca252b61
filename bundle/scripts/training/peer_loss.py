"""The training objective of a peer: the terms of ours that it can learn from."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .rad_vlsm_loss import RadVLSMLoss


class PeerLoss(nn.Module):
    """Our mask term for a segmenter, our diagnosis term for a classifier; ``terms`` holds its last value by name.

    Args:
        term: ``mask`` or ``diagnosis``.
        label_smoothing: of the diagnosis term.

    Raises:
        ValueError: if there is no such term.
    """

    def __init__(self, term: str, label_smoothing: float = 0.05) -> None:
        super().__init__()
        if term not in ("mask", "diagnosis"):
            raise ValueError(f'A peer learns "mask" or "diagnosis", not "{term}".')
        self.term = term
        self.label_smoothing = label_smoothing
        self.ours = RadVLSMLoss()
        self.terms: dict[str, Tensor] = {}

    def forward(self, pred: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """The term.

        Args:
            pred: the dictionary of :meth:`scripts.networks.Peer.forward_named`.
            target: ``mask`` and ``pasted`` (B, 1, S, S), 0 or 1, of which a segmenter learns both; ``diagnosis`` (B),
                the class, -1 none or unknown, not learned beside a pasted lesion.

        Returns:
            A scalar.
        """
        if self.term == "mask":
            mask = torch.maximum(target["mask"], target["pasted"]).to(pred["mask_logits"].dtype)
            lesion = mask.amax(dim=(1, 2, 3))
            value = self.ours.segmentation(pred["mask_logits"], mask, lesion, torch.ones_like(lesion))
        else:
            known = (target["diagnosis"] >= 0) & ~target["pasted"].flatten(1).any(dim=1)
            logits = pred["diagnosis_logits"][known]
            value = logits.sum() * 0.0
            if bool(known.any()):
                value = F.cross_entropy(logits, target["diagnosis"][known], label_smoothing=self.label_smoothing)
        self.terms = {self.term: value}
        return value
