"""From an engine's output to its metrics: what is compared with what, and over which images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.metrics import ROCAUCMetric, compute_roc_auc
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


def gated_masks(output: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Engine output -> predicted and true masks (B, 1, S, S), evidence gate on; for Dice of lesion images."""
    return (output["pred"]["gated_mask_logits"] > 0).float(), output["label"]["mask"]


def lesion_diagnoses(output: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Engine output -> probabilities of the C classes (B, C) and class (B, 1), -1 for none or unknown."""
    return torch.softmax(output["pred"]["diagnosis_logits"], dim=1), output["label"]["diagnosis"].unsqueeze(1)


class LesionAUC(ROCAUCMetric):
    """Area under the ROC curve of one class against the rest, over diagnosed lesions, gathered from all processes.

    The others are left out at the end, not before: a batch or a process may see no lesion at all.

    Args:
        positive: number of the class.
    """

    def __init__(self, positive: int = 1) -> None:
        super().__init__()
        self.positive = positive

    def aggregate(self, average: Any = None) -> float:
        """The area; nan without lesions of both kinds."""
        probabilities, truth = self.get_buffer()
        truth = truth.flatten()
        known = truth >= 0
        positive = truth[known] == self.positive
        if positive.unique().numel() < 2:
            return float("nan")
        return float(compute_roc_auc(probabilities[known][:, self.positive], positive.to(truth)))


def response_masks(output: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Engine output of stage 1 -> where the prompt responds and the true mask, both (B, 1, S/8, S/8), 0 or 1."""
    response = (output["pred"]["prompt_logits"] > 0).float()
    return response, (adaptive_avg_pool2d(output["label"]["mask"], response.shape[-2:]) > 0.5).float()
