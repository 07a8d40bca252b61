"""The training objective of stage 1, term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional as F

#: Weight of each term; config values override them.
ALIGNMENT_TERM_WEIGHTS = {
    "contrastive": 0.5,
    "matching": 0.5,
    "region": 0.5,
    "localization": 1.0,
    "auxiliary_text": 0.5,
}


class AlignmentLoss(nn.Module):
    """Everything that stage 1 learns from, as one weighted sum; ``terms`` holds the last value of each by name.

    * contrastive: each image's best query finds its description among the batch's, and back (BLIP-2); images of the
      same morphology are no negatives of each other.
    * matching: does the image show what the text says: its description and a lesion prompt against another image's
      description, chosen hard, and prompts for other things.
    * region: the mean image token inside the lesion finds its description among the batch's, and the response to the
      description stays inside the lesion.
    * localization: the response to a lesion prompt is the lesion, to anything else nothing.
    * auxiliary text: each single term of the description is told from its alternatives by that token.

    Args:
        lexicon: terms and the values each can take, in the order of the embedded ``terms``.
        weights: weight of each term, over the defaults ``ALIGNMENT_TERM_WEIGHTS``.

    Raises:
        ValueError: if a weight names no term.
    """

    def __init__(self, lexicon: Mapping[str, Sequence[str]], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        unknown = set(weights or {}) - set(ALIGNMENT_TERM_WEIGHTS)
        if unknown:
            raise ValueError(f"No loss term is named {sorted(unknown)}; there are {sorted(ALIGNMENT_TERM_WEIGHTS)}.")
        self.lexicon = {name: list(values) for name, values in lexicon.items()}
        self.weights = {**ALIGNMENT_TERM_WEIGHTS, **(weights or {})}
        self.dice = DiceLoss(sigmoid=True, reduction="none")
        self.terms: dict[str, Tensor] = {}

    def forward(self, pred: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum.

        Args:
            pred: the dictionary of ``Alignment.forward``.
            target: ``mask`` (B, 1, S, S), 0 or 1; ``asked`` (B), 1 where the prompt asks for a lesion; ``morphology``
                (B, T), the number of each term's value, -1 where nothing is said.

        Returns:
            A scalar.
        """
        mask = F.adaptive_avg_pool2d(target["mask"].float(), pred["visual"].shape[-2:])
        lesion = target["mask"].amax(dim=(1, 2, 3)).float()
        morphology, temperature = target["morphology"], pred["temperature"]
        same = (morphology[:, None] == morphology[None]).all(dim=2)
        regions = F.normalize((pred["visual"] * mask).sum(dim=(2, 3)), dim=1)
        answer = lesion * target["asked"]

        region = self._contrast(regions @ pred["text"].t() / temperature, same, lesion)
        self.terms = {
            "contrastive": self._contrast(pred["similarity"] / temperature, same, torch.ones_like(lesion)),
            "matching": self._matching(pred, same, answer),
            "region": region + self._locate(pred["own_logits"], mask, lesion),
            "localization": self._locate(pred["prompt_logits"], mask, answer),
            "auxiliary_text": self._tell_apart(regions @ pred["terms"].t() / temperature, morphology, lesion),
        }
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()

    @staticmethod
    def _contrast(logits: Tensor, same: Tensor, counts: Tensor) -> Tensor:
        """InfoNCE in both directions over the images that count; all of the same morphology are right answers."""
        use = counts > 0.5
        if int(use.sum()) < 2:
            return logits.sum() * 0.0
        logits, right = logits[use][:, use], same[use][:, use].float()
        right = right / right.sum(dim=1, keepdim=True)
        return 0.5 * (F.cross_entropy(logits, right) + F.cross_entropy(logits.t(), right))

    @staticmethod
    def _matching(pred: Mapping[str, Tensor], same: Tensor, answer: Tensor) -> Tensor:
        """Binary cross-entropy of the three questions, each as heavy as the others."""

        def entropy(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
            losses = F.binary_cross_entropy_with_logits(logits.squeeze(1), truth, reduction="none")
            return (losses * weight).sum() / weight.sum().clamp(min=1.0)

        ones = torch.ones_like(answer)
        differs = 1.0 - same.gather(1, pred["other"].unsqueeze(1)).squeeze(1).float()
        own = entropy(pred["own_match"], ones, ones)
        other = entropy(pred["other_match"], torch.zeros_like(answer), differs)
        return (own + other + entropy(pred["prompt_match"], answer, ones)) / 3.0

    def _locate(self, logits: Tensor, mask: Tensor, answer: Tensor) -> Tensor:
        """Dice where there is something to find, cross-entropy everywhere: elsewhere the response is nothing."""
        target = mask * answer.reshape(-1, 1, 1, 1)
        dice = self.dice(logits, target).flatten(1).mean(dim=1)
        dice = (dice * answer).sum() / answer.sum().clamp(min=1.0)
        return dice + F.binary_cross_entropy_with_logits(logits, target)

    def _tell_apart(self, logits: Tensor, morphology: Tensor, lesion: Tensor) -> Tensor:
        """Mean over the terms of the cross-entropy among each one's values."""
        losses: list[Tensor] = []
        start = 0
        for column, values in enumerate(self.lexicon.values()):
            chosen = torch.where(lesion > 0.5, morphology[:, column], torch.full_like(morphology[:, column], -1))
            if bool((chosen >= 0).any()):
                losses.append(F.cross_entropy(logits[:, start : start + len(values)], chosen, ignore_index=-1))
            start += len(values)
        return torch.stack(losses).mean() if losses else logits.sum() * 0.0
