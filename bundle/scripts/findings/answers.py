"""The numbers that the network answers one image with, before anything is measured in the mask."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scripts.sites import Classes


@dataclass(frozen=True)
class Answer:
    """What inference and evaluation read of the outputs alike.

    Attributes:
        diagnosis: the class if there is a lesion; "" where the site has no classes.
        probabilities: of the classes, tempered, in their order; none without classes.
        probability: of the site's positive class among them; None without classes.
        indeterminate: the diagnosis is not to be trusted.
        mask_reliability: predicted IoU of the mask, 0..1.
        lesion_logit: a lesion is found above 0.
    """

    diagnosis: str
    probabilities: tuple[float, ...]
    probability: float | None
    indeterminate: bool
    mask_reliability: float
    lesion_logit: float

    @property
    def finite(self) -> bool:
        """Whether every number is one."""
        return all(map(math.isfinite, (*self.probabilities, self.mask_reliability, self.lesion_logit)))


def read_answer(outputs: Mapping[str, Tensor], classes: Classes) -> Answer:
    """Read the outputs of one image.

    Args:
        outputs: of :meth:`RadVLSM.forward_named`, on any device; ``diagnosis_logits`` has shape (C), in the order of
            the classes.
        classes: what a lesion can be.
    """
    diagnosis, probabilities, probability = "", (), None
    if classes.names:
        probabilities = tuple(torch.softmax(outputs["diagnosis_logits"].double(), dim=-1).tolist())
        diagnosis, probability = classes.decide(probabilities), probabilities[classes.positive_index]
    return Answer(
        diagnosis=diagnosis,
        probabilities=probabilities,
        probability=probability,
        indeterminate=float(outputs["indeterminate"]) > 0,
        mask_reliability=float(outputs["reliability"]),
        lesion_logit=float(outputs["lesion_logit"]),
    )
