"""The training objective of stage 2, term by term."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.networks.reliability import fuse_candidates

#: Weight of each term; config values override them.
TERM_WEIGHTS = {
    "mask": 1.0,
    "candidate": 0.5,
    "localization": 0.5,
    "self_distillation": 0.2,
    "consistency": 0.2,
    "semantic": 0.2,
    "diagnosis": 0.4,
    "evidence": 0.2,
    "iou": 0.2,
}


def soft_dice(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft Dice over the last two axes; 1 where both are empty."""
    overlap = 2 * (probabilities * target).sum(dim=(-2, -1)) + 1.0
    return overlap / (probabilities.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1)) + 1.0)


def soft_iou(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft intersection over union over the last two axes; 1 where both are empty."""
    overlap = (probabilities * target).sum(dim=(-2, -1)) + 0.5
    return overlap / (probabilities.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1)) - overlap + 1.0)


def self_distillation(masks: Tensor, weights: Tensor, valid: Tensor, theta: float, gamma: float) -> Tensor:
    """Self-distilled mask consistency of Rad-VLSM: the unreliable candidates learn from the reliable ones' consensus.

    Teachers are the candidates with ``w >= theta``; where none is, the most reliable one. The consensus
    ``P = stopgrad(sigmoid(sum w~ M))`` teaches each student with ``(1 - w) ** gamma * mean (sigmoid(M) - P) ** 2``;
    where no student is, the loss of that image is zero.

    Args:
        masks: candidate mask logits, shape (B, K, H, W).
        weights: reliability weights, shape (B, K).
        valid: 0 or 1, shape (B, K).
        theta: least weight of a teacher.
        gamma: how strongly weight spares a student.

    Returns:
        The mean over images, a scalar.
    """
    weights = weights.detach()
    best = F.one_hot(weights.argmax(dim=1), weights.shape[1]).to(weights.dtype)
    teachers = ((weights >= theta) & (valid > 0.5)).to(weights.dtype)
    teachers = torch.where(teachers.any(dim=1, keepdim=True), teachers, best)
    students = valid * (1.0 - teachers)
    shares = weights * teachers
    shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=1e-6)
    consensus = torch.sigmoid(fuse_candidates(masks, shares)).detach().unsqueeze(1)
    distance = (torch.sigmoid(masks) - consensus).pow(2).mean(dim=(2, 3))
    per_image = (students * (1.0 - weights) ** gamma * distance).sum(dim=1) / students.sum(dim=1).clamp(min=1.0)
    return per_image.mean()


class RadVLSMLoss(nn.Module):
    """Everything that stage 2 learns from, as one weighted sum; ``terms`` holds the last value of each by name.

    Args:
        weights: weight of each term, over the defaults ``TERM_WEIGHTS``.
        class_weights: weights of benign and malignant in the diagnosis term.
        theta: see :func:`self_distillation`.
        gamma: see :func:`self_distillation`.
        label_smoothing: of the diagnosis term.

    Raises:
        ValueError: if a weight names no term.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        class_weights: tuple[float, float] = (1.0, 1.0),
        theta: float = 0.25,
        gamma: float = 1.0,
        label_smoothing: float = 0.05,
    ) -> None:
        super().__init__()
        unknown = set(weights or {}) - set(TERM_WEIGHTS)
        if unknown:
            raise ValueError(f"No loss term is named {sorted(unknown)}; there are {sorted(TERM_WEIGHTS)}.")
        self.weights = {**TERM_WEIGHTS, **(weights or {})}
        self.theta = theta
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", torch.tensor(class_weights), persistent=False)
        self.dice = DiceLoss(sigmoid=True, reduction="none")
        self.terms: dict[str, Tensor] = {}

    def forward(self, pred: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum.

        Args:
            pred: the dictionary of ``RadVLSM.forward_evidence``.
            target: ``mask`` (B, 1, S, S), 0 or 1, and ``diagnosis`` (B), 0 benign, 1 malignant, -1 none or unknown.

        Returns:
            A scalar.
        """
        mask = target["mask"].to(pred["mask_logits"].dtype)
        lesion = mask.amax(dim=(1, 2, 3))  # (B), 1 where there is a lesion
        candidates = pred["candidate_masks"]
        mask4 = F.adaptive_avg_pool2d(mask, candidates.shape[-2:])
        mask8 = F.adaptive_avg_pool2d(mask, pred["response_map"].shape[-2:])
        with torch.no_grad():
            probabilities = torch.sigmoid(candidates)
            consensus = torch.sigmoid(fuse_candidates(candidates, pred["weights"])).unsqueeze(1)
            true_iou = soft_iou(probabilities, mask4)
            fused_iou = soft_iou((pred["mask_logits"] > 0).to(mask.dtype), mask).squeeze(1) * lesion
            agreement = 0.5 * (true_iou + soft_iou(probabilities, consensus))
        self.terms = {
            "mask": self._segmentation(pred["mask_logits"], mask, lesion),
            "candidate": self._best_candidate(candidates, mask4, pred["valid"], lesion),
            "localization": self._segmentation(pred["response_logits"], mask8, lesion),
            "self_distillation": self_distillation(candidates, pred["weights"], pred["valid"], self.theta, self.gamma),
            "consistency": self._mean(
                F.binary_cross_entropy_with_logits(pred["consistency_logits"], agreement, reduction="none"),
                pred["valid"],
            ),
            "semantic": self._mean((pred["semantic"] - true_iou).pow(2), pred["valid"] * lesion.unsqueeze(1)),
            "diagnosis": self._diagnosis(pred, target["diagnosis"]),
            "evidence": F.binary_cross_entropy_with_logits(pred["evidence_logit"].squeeze(1), lesion),
            "iou": F.binary_cross_entropy_with_logits(pred["iou_logit"].squeeze(1), fused_iou),
        }
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()

    @staticmethod
    def _mean(values: Tensor, weight: Tensor) -> Tensor:
        return (values * weight).sum() / weight.sum().clamp(min=1.0)

    def _segmentation(self, logits: Tensor, target: Tensor, lesion: Tensor) -> Tensor:
        """Dice on lesion images and cross-entropy on all: an empty target has no overlap to measure."""
        dice = self.dice(logits, target).flatten(1).mean(dim=1)
        return self._mean(dice, lesion) + F.binary_cross_entropy_with_logits(logits, target)

    def _best_candidate(self, masks: Tensor, target: Tensor, valid: Tensor, lesion: Tensor) -> Tensor:
        loss = 1.0 - soft_dice(torch.sigmoid(masks), target)
        best = loss.masked_fill(valid < 0.5, 2.0).amin(dim=1)
        return self._mean(best, lesion)

    def _diagnosis(self, pred: Mapping[str, Tensor], diagnosis: Tensor) -> Tensor:
        """Cross-entropy of Y and, at a third of its weight, of each branch alone, on diagnosed lesions only."""
        known = diagnosis >= 0
        if not bool(known.any()):
            return pred["y_sam"].sum() * 0.0

        def entropy(logits: Tensor) -> Tensor:
            weight = self.class_weights.to(logits)
            return F.cross_entropy(logits[known], diagnosis[known], weight, label_smoothing=self.label_smoothing)

        total = entropy(pred["diagnosis_logits"])
        return total + (entropy(pred["y_sam"]) + entropy(pred["y_rad"])) / 3.0
