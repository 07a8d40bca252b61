"""What was believed of each candidate, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def describe_candidates(
    evidence: Mapping[str, Tensor], crop: Sequence[int], alpha_ext: float = 1.0, temperature: float = 1.0
) -> dict[str, Any]:
    """The evidence of one image as plain values.

    Args:
        evidence: of :meth:`RadVLSM.forward_named`, one image, on the CPU.
        crop: top, left, bottom, right of the analysed region in the file's grid, pixels.
        alpha_ext: weight of the radiomics' logits in the diagnosis.
        temperature: of the diagnosis.

    Returns:
        ``response_peak`` and ``fallback`` (the response was flat, the one box is the image); ``lesion_logit``;
        ``logits_visual`` and ``logits_radiomics`` (benign, malignant: their sum is the diagnosis);
        ``effective_candidates``, 1 / sum of squared weights; ``candidates``, best first: ``box`` (x1, y1, x2, y2 in
        pixels of the file), ``response`` (contrast in the map), ``semantic`` (cosine with the prompt),
        ``consistency`` (predicted), ``weight``.
    """
    valid = evidence["valid"] > 0
    names = {"response": "scores", "semantic": "semantic", "consistency": "consistency", "weight": "weights"}
    columns = {name: evidence[key][valid].tolist() for name, key in names.items()}
    boxes = boxes_in_file(evidence["boxes"][valid], crop, evidence["mask_logits"].shape[-1])
    weights = evidence["weights"][valid]
    return {
        "response_peak": round(float(evidence["response_map"].max()), 4),
        "fallback": bool(evidence["fallback"] > 0),
        "lesion_logit": round(float(evidence["lesion_logit"]), 4),
        "logits_visual": [round(value, 4) for value in (evidence["y_sam"] / temperature).tolist()],
        "logits_radiomics": [round(value, 4) for value in (alpha_ext * evidence["y_rad"] / temperature).tolist()],
        "effective_candidates": round(float(1.0 / weights.pow(2).sum()), 4),
        "candidates": [
            {"box": box, **{name: round(values[row], 4) for name, values in columns.items()}}
            for row, box in enumerate(boxes)
        ],
    }


def name_descriptors(network: nn.Module, radiomics: Tensor, most: int = 5) -> list[dict[str, Any]]:
    """The descriptors that moved a diagnosis most.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        radiomics: raw descriptors of one lesion, shape (R).
        most: how many to name.

    Returns:
        ``name``, ``value`` and ``moves_logit_by`` (malignant against benign, compared with the training data's mean),
        strongest first; none where radiomics have no part in the diagnosis.
    """
    moved = network.diagnosis_head.contributions(radiomics.to(network.prompt_embedding.device)).cpu()
    moved = moved / float(network.diagnosis_temperature)
    strongest = moved.abs().argsort(descending=True)[:most].tolist()
    names = network.radiomics.names
    return [
        {"name": names[i], "value": round(float(radiomics[i]), 4), "moves_logit_by": round(float(moved[i]), 4)}
        for i in strongest
        if moved[i] != 0 and bool(torch.isfinite(radiomics[i]))
    ]


def boxes_in_file(boxes: Tensor, crop: Sequence[int], image_size: int) -> list[list[float]]:
    """Boxes of the network's input, longest side resized and the rest padded, in pixels of the file, within the crop.

    Args:
        boxes: x1, y1, x2, y2, shape (K, 4).
        crop: top, left, bottom, right, pixels of the file.
        image_size: S of the network's input.
    """
    top, left, bottom, right = crop
    rows, columns = bottom - top, right - left
    scale = max(rows, columns) / image_size
    # Where ResizeWithPadOrCrop puts what it pads.
    above, before = ((image_size - round(side / scale)) // 2 for side in (rows, columns))

    def within(value: float, pad: int, limit: int) -> float:
        return min(max((value - pad) * scale, 0.0), float(limit))

    return [
        [
            round(left + within(x1, before, columns), 1),
            round(top + within(y1, above, rows), 1),
            round(left + within(x2, before, columns), 1),
            round(top + within(y2, above, rows), 1),
        ]
        for x1, y1, x2, y2 in boxes.tolist()
    ]


def response_on_region(response: Tensor, crop: Sequence[int]) -> np.ndarray:
    """The response map (1, h, h) in [0, 1] without what was padded around the region, uint8, about its aspect."""
    rows, columns = crop[2] - crop[0], crop[3] - crop[1]
    cells = response.shape[-1]
    height, width = (max(1, round(cells * side / max(rows, columns))) for side in (rows, columns))
    top, left = (cells - height) // 2, (cells - width) // 2
    return (response[0, top : top + height, left : left + width] * 255).round().to(torch.uint8).numpy()


