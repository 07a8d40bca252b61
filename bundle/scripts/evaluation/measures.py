"""What is measured on one case, at its native size."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_iou
from torch import Tensor


def overlap(predicted: Tensor, true: Tensor) -> tuple[float, float]:
    """Dice and IoU of two masks.

    Args:
        predicted: shape (H, W), boolean.
        true: shape (H, W), boolean.

    Returns:
        Both in 0..1: 0 when only the prediction is empty, nan when the true mask is empty (there is nothing to find).
    """
    if not true.any():
        return math.nan, math.nan
    masks = (predicted[None, None].float(), true[None, None].float())
    return compute_dice(*masks).item(), compute_iou(*masks).item()


def hausdorff95(predicted: Tensor, true: Tensor) -> float:
    """The 95th percentile of the Hausdorff distance between two outlines.

    Args:
        predicted: shape (H, W), boolean.
        true: shape (H, W), boolean.

    Returns:
        Pixels; the image's diagonal when only the prediction is empty, nan when the true mask is empty.
    """
    if not true.any():
        return math.nan
    if not predicted.any():
        return math.hypot(*true.shape)
    # Distances between outlines need only the box around both masks, one pixel wider.
    rows, columns = (torch.nonzero((predicted | true).any(dim=axis)).flatten() for axis in (1, 0))
    box = (slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2))
    masks = (predicted[box][None, None].float(), true[box][None, None].float())
    return compute_hausdorff_distance(*masks, include_background=True, percentile=95).item()


def measure_case(
    emitted: Tensor,
    gate_off: Tensor,
    true: Tensor,
    *,
    probabilities: Mapping[str, float],
    indeterminate: float,
    reliability: float,
    lesion_evidence: float,
) -> dict[str, float]:
    """The numbers of one case, by column of the case table.

    Args:
        emitted: the mask as emitted (evidence gate on), native grid, shape (H, W), boolean.
        gate_off: the fused mask before the gate, same grid.
        true: the true mask, same grid.
        probabilities: 0..1, by column.
        indeterminate: 1 where the diagnosis is not to be trusted; counts where a mask was emitted.
        reliability: predicted IoU of the fused mask, 0..1.
        lesion_evidence: logit; the gate is open above 0.

    Returns:
        One number for each column of numbers. ``lesion_found`` is 1 when a mask was emitted.
    """
    dice, iou = overlap(emitted, true)
    dice_gate_off, iou_gate_off = overlap(gate_off, true)
    return {
        "lesion_found": float(emitted.any()),
        "dice": dice,
        "dice_gate_off": dice_gate_off,
        "iou": iou,
        "iou_gate_off": iou_gate_off,
        "hd95": hausdorff95(emitted, true),
        **probabilities,
        "indeterminate": indeterminate * float(emitted.any()),
        "reliability": reliability,
        "lesion_evidence": lesion_evidence,
        "true_area": true.float().mean().item(),
        "predicted_area": emitted.float().mean().item(),
        "true_area_px": float(true.sum()),
        "predicted_area_px": float(emitted.sum()),
        "rows": float(true.shape[0]),
        "columns": float(true.shape[1]),
    }
