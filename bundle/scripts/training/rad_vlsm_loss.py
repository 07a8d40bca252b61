"""The training objective of stage 2, term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.networks.boxes import rasterize
from scripts.networks.reliability import fuse_candidates

#: Overlap coefficient of box and object from which a candidate looks at that object.
LOOKS_AT = 0.3

#: Weight of each term; config values override them.
TERM_WEIGHTS = {
    "mask": 1.0,
    "candidate": 0.5,
    "localization": 0.5,
    "self_distillation": 0.2,
    "consistency": 0.2,
    "semantic": 0.2,
    "matching": 0.1,
    "diagnosis": 0.4,
    "evidence": 0.3,
    "iou": 0.2,
}


#: Added to overlap and union as a share of the grid: what counts as nothing does not depend on the resolution.
NOTHING = 1 / 1024


def soft_dice(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft Dice over the last two axes; 1 where both are empty."""
    overlap = 2 * (probabilities * target).mean(dim=(-2, -1)) + NOTHING
    return overlap / (probabilities.mean(dim=(-2, -1)) + target.mean(dim=(-2, -1)) + NOTHING)


def soft_iou(probabilities: Tensor, target: Tensor) -> Tensor:
    """Soft intersection over union over the last two axes; 1 where both are empty."""
    overlap = (probabilities * target).mean(dim=(-2, -1))
    union = probabilities.mean(dim=(-2, -1)) + target.mean(dim=(-2, -1)) - overlap
    return (overlap + NOTHING / 2) / (union + NOTHING / 2)


def looks_at(boxes: Tensor, target: Tensor, image_size: int) -> Tensor:
    """Which candidates look at an object: box and object share a part of the smaller of the two.

    Args:
        boxes: x1, y1, x2, y2 in pixels of the image, shape (B, K, 4).
        target: the object, probabilities in [0, 1], shape (B, 1, H, W).
        image_size: S, pixels.

    Returns:
        0 or 1, shape (B, K); 0 where there is no object.
    """
    inside = rasterize(boxes * (target.shape[-1] / image_size), target.shape[-2], target.shape[-1])
    common = (inside * target).sum(dim=(2, 3))
    smaller = torch.minimum(inside.sum(dim=(2, 3)), target.sum(dim=(2, 3)))
    return (common >= LOOKS_AT * smaller.clamp(min=1e-3)).to(target.dtype)


def self_distillation(masks: Tensor, weights: Tensor, students: Tensor, theta: float, gamma: float) -> Tensor:
    """Self-distilled mask consistency of Rad-VLSM: the unreliable candidates learn from the reliable ones' consensus.

    Teachers are the candidates with ``w >= theta``; where none is, the most reliable one. The consensus
    ``P = stopgrad(sigmoid(sum w~ M))`` teaches each student with ``(1 - w) ** gamma * mean (sigmoid(M) - P) ** 2``;
    where no student is, the loss of that image is zero.

    Args:
        masks: candidate mask logits, shape (B, K, H, W).
        weights: reliability weights, zero for what is no candidate, shape (B, K).
        students: which candidates may learn, 0 or 1, shape (B, K): those that look at what the teachers see.
        theta: least weight of a teacher.
        gamma: how strongly weight spares a student.

    Returns:
        The mean over images, a scalar.
    """
    weights = weights.detach()
    teachers = _teachers(weights, theta)
    students = students * (1.0 - teachers)
    consensus = consensus_of(masks, weights, theta)
    distance = (torch.sigmoid(masks) - consensus).pow(2).mean(dim=(2, 3))
    per_image = (students * (1.0 - weights) ** gamma * distance).sum(dim=1) / students.sum(dim=1).clamp(min=1.0)
    return per_image.mean()


def _teachers(weights: Tensor, theta: float) -> Tensor:
    best = F.one_hot(weights.argmax(dim=1), weights.shape[1]).to(weights.dtype)
    teachers = (weights >= theta).to(weights.dtype)
    return torch.where(teachers.any(dim=1, keepdim=True), teachers, best)


@torch.no_grad()
def consensus_of(masks: Tensor, weights: Tensor, theta: float) -> Tensor:
    """What the teachers agree on, probabilities, shape (B, 1, H, W); arguments as :func:`self_distillation`."""
    shares = weights * _teachers(weights, theta)
    shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=1e-6)
    return torch.sigmoid(fuse_candidates(masks, shares)).unsqueeze(1)


class RadVLSMLoss(nn.Module):
    """Everything that stage 2 learns from, as one weighted sum; ``terms`` holds the last value of each by name.

    Args:
        weights: weight of each term, over the defaults ``TERM_WEIGHTS``.
        class_weights: weight of each class in the diagnosis term; None weighs all alike.
        theta: see :func:`self_distillation`.
        gamma: see :func:`self_distillation`.
        label_smoothing: of the diagnosis term.

    Raises:
        ValueError: if a weight names no term.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        class_weights: Sequence[float] | None = None,
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
        weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weight, persistent=False)
        self.dice = DiceLoss(sigmoid=True, reduction="none")
        self.terms: dict[str, Tensor] = {}

    def forward(self, pred: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum.

        Args:
            pred: the dictionary of ``RadVLSM.forward_named``.
            target: ``mask`` (B, 1, S, S), 0 or 1; ``diagnosis`` (B), the class, -1 none or unknown;
                ``asked`` (B), 1 where the text asks for a lesion, 0 where for something else, which no image shows;
                ``pasted`` (B, 1, S, S), another image's lesion. Where there is one, candidates and response learn from
                both; the fused mask, which is one lesion's, and the diagnosis learn from neither.

        Returns:
            A scalar.
        """
        mask = target["mask"].to(pred["mask_logits"].dtype)
        asked = target["asked"].to(mask.dtype)
        lesion = mask.amax(dim=(1, 2, 3)) * asked  # (B), 1 where there is a lesion and the text asks for it
        pasted = target["pasted"].to(mask.dtype)
        alone = 1.0 - pasted.amax(dim=(1, 2, 3))  # (B), 1 where nothing was pasted
        candidates = pred["candidate_masks"]
        mask4, pasted4 = (F.adaptive_avg_pool2d(values, candidates.shape[-2:]) for values in (mask, pasted))
        mask8 = F.adaptive_avg_pool2d(torch.maximum(mask, pasted), pred["response_map"].shape[-2:])
        size = mask.shape[-1]
        with torch.no_grad():
            probabilities = torch.sigmoid(candidates)
            consensus = torch.sigmoid(fuse_candidates(candidates, pred["weights"])).unsqueeze(1)
            true_iou = soft_iou(probabilities, mask4)
            true_iou = torch.maximum(true_iou, soft_iou(probabilities, pasted4) * (1.0 - alone).unsqueeze(1))
            fused_iou = soft_iou((pred["mask_logits"] > 0).to(mask.dtype), mask).squeeze(1) * lesion
            # Where two lesions are, the consensus is of both, and no mask of one agrees with it.
            share = 0.5 * alone.unsqueeze(1)
            agreement = (1.0 - share) * true_iou + share * soft_iou(probabilities, consensus)
            # What a box holds that looks at no lesion may well be an object, but it is none to trust.
            sees = [looks_at(pred["boxes"], target4, size) for target4 in (mask4, pasted4)]
            sees_any = torch.maximum(sees[0], sees[1])
            true_iou, agreement = true_iou * sees_any, agreement * sees_any
            seeing = looks_at(pred["boxes"], consensus_of(candidates, pred["weights"], self.theta), size)
        self.terms = {
            # Whether there is a lesion is the gate's to say: masks are learned where there is one.
            "mask": self.segmentation(pred["mask_logits"], mask, lesion * alone, lesion * alone),
            "candidate": self._candidates(pred, [mask4, pasted4], sees, asked),
            "localization": self.segmentation(
                pred["response_logits"], mask8 * asked.reshape(-1, 1, 1, 1), lesion, torch.ones_like(asked)
            ),
            "self_distillation": self_distillation(
                candidates,
                pred["weights"],
                pred["valid"] * seeing * (lesion * alone).unsqueeze(1),
                self.theta,
                self.gamma,
            ),
            "consistency": F.binary_cross_entropy_with_logits(pred["consistency_logits"], agreement),
            "semantic": self._mean(
                (pred["semantic"] - true_iou * asked.unsqueeze(1)).pow(2),
                torch.maximum(lesion, 1.0 - asked).unsqueeze(1).expand_as(pred["semantic"]),
            ),
            "matching": F.binary_cross_entropy_with_logits(pred["match_logit"].squeeze(1), lesion),
            "diagnosis": self._diagnosis(pred, torch.where(asked * alone > 0.5, target["diagnosis"], -1)),
            "evidence": F.binary_cross_entropy_with_logits(pred["evidence_logit"].squeeze(1), lesion),
            "iou": self._mean(
                F.binary_cross_entropy_with_logits(pred["iou_logit"].squeeze(1), fused_iou, reduction="none"), alone
            ),
        }
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()

    @staticmethod
    def _mean(values: Tensor, weight: Tensor) -> Tensor:
        return (values * weight).sum() / weight.sum().clamp(min=1.0)

    def segmentation(self, logits: Tensor, target: Tensor, lesion: Tensor, counts: Tensor) -> Tensor:
        """Dice on lesion images and cross-entropy on all that count: an empty target has no overlap to measure."""
        dice = self.dice(logits, target).flatten(1).mean(dim=1)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).mean(dim=1)
        return self._mean(dice, lesion) + self._mean(entropy, counts)

    def _candidates(
        self, pred: Mapping[str, Tensor], lesions: Sequence[Tensor], sees: Sequence[Tensor], asked: Tensor
    ) -> Tensor:
        """Each candidate segments those lesions (B, 1, H, W) that its box looks at, 0 or 1 in ``sees`` (B, K) each.

        A box that looks at none never teaches *nothing*: a decoder that learned it draws nothing wherever it is unsure,
        also inside of a lesion. It teaches that what a box holds does not leave it, lest the decoder pass over the box
        and draw its favourite: then all masks are one, and no weight has anything to choose.
        """
        masks, size = pred["candidate_masks"], 4 * pred["candidate_masks"].shape[-1]
        target = torch.zeros_like(masks)
        for lesion, seen in zip(lesions, sees, strict=True):
            target = torch.maximum(target, lesion * seen.unsqueeze(-1).unsqueeze(-1))
        sees_any = torch.stack(list(sees)).amax(dim=0)
        inside = rasterize(pred["boxes"] * (masks.shape[-1] / size), masks.shape[-2], masks.shape[-1])
        counts = torch.maximum(1.0 - inside, sees_any.unsqueeze(-1).unsqueeze(-1))
        dice = 1.0 - soft_dice(torch.sigmoid(masks), target)
        entropy = F.binary_cross_entropy_with_logits(masks, target, reduction="none")
        asked = asked.unsqueeze(1).expand_as(sees_any)
        return self._mean(dice, sees_any * asked) + self._mean((entropy * counts).mean(dim=(2, 3)), asked)

    def _diagnosis(self, pred: Mapping[str, Tensor], diagnosis: Tensor) -> Tensor:
        """Cross-entropy of Y and, at a third of its weight, of each branch alone, on diagnosed lesions only."""
        known = diagnosis >= 0
        if not bool(known.any()):
            return pred["y_sam"].sum() * 0.0

        def entropy(logits: Tensor) -> Tensor:
            weight = None if self.class_weights is None else self.class_weights.to(logits)
            return F.cross_entropy(logits[known], diagnosis[known], weight, label_smoothing=self.label_smoothing)

        total = entropy(pred["diagnosis_logits"])
        return total + (entropy(pred["y_sam"]) + entropy(pred["y_rad"])) / 3.0
