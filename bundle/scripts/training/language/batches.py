"""Batches of images with questions, for MONAI's engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from monai.transforms import Transform
from torch import Tensor, nn


class PrepareQuestionBatch(Transform):
    """A loaded batch as the engine wants it: features or images, targets, questions and answers."""

    def __call__(
        self, batchdata: Mapping[str, Any], device: Any = None, non_blocking: bool = False, **kwargs: Any
    ) -> tuple[Any, dict[str, Any], tuple[Sequence[str], Sequence[str]], dict[str, Any]]:
        """Image or features, target, (questions, answers), nothing."""

        def moved(values: Any) -> Any:
            if isinstance(values, Mapping):
                return {name: moved(value) for name, value in values.items()}
            return values.to(device=device, non_blocking=non_blocking)

        image = batchdata["features"] if "features" in batchdata else batchdata["image"]
        target = {"targets": moved(batchdata["targets"])}
        return moved(image), target, (list(batchdata["question"]), list(batchdata["answer"])), {}


class AnswerInferer(Inferer):
    """Lets the network answer as in use: without the true answer.

    Args:
        longest: tokens of an answer.
    """

    def __init__(self, longest: int = 200) -> None:
        self.longest = longest

    def __call__(self, inputs: Any, network: nn.Module, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Answers and, as ``mask`` (B, 1, S, S) of 0 and 1, all that each draws.

        Args:
            inputs: images or features.
            network: a :class:`scripts.networks.ClosedLoop`.
            args: questions, and true answers, which are not looked at.
        """
        answers = network.answer(inputs, args[0], self.longest)
        return {"answers": answers, "mask": torch.stack([united(answer.masks) for answer in answers])}


def united(masks: Tensor) -> Tensor:
    """All masks (T, S, S), logits, as one (1, S, S) of 0 and 1; of no mask an empty one."""
    if not len(masks):
        return torch.zeros(1, *masks.shape[1:])
    return (masks.amax(dim=0, keepdim=True) > 0).float()


def asked_masks(output: Mapping[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """Drawn and true masks of an engine's output, for MONAI's metrics."""
    truth = output["label"]["targets"].amax(dim=1, keepdim=True).float().cpu()
    return list(output["pred"]["mask"]), list(truth)
