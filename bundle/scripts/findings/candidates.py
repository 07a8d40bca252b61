"""What was believed of each candidate, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .finding import Candidate, Descriptor, Evidence


def gather_evidence(
    outputs: Mapping[str, Tensor], crop: Sequence[int], network: nn.Module, with_lesion: bool
) -> Evidence:
    """What the network believed of one image, as plain values.

    Args:
        outputs: of :meth:`RadVLSM.forward_named`, one image, on the CPU.
        crop: top, left, bottom, right of the analysed region in the file's grid, pixels.
        network: the :class:`scripts.networks.RadVLSM` that they are of.
        with_lesion: name the descriptors that moved its diagnosis, too.
    """
    valid = outputs["valid"] > 0
    boxes = boxes_in_file(outputs["boxes"][valid], crop, outputs["mask_logits"].shape[-1])
    weights = outputs["weights"][valid]
    columns = (outputs[name][valid].tolist() for name in ("scores", "semantic", "consistency", "weights"))
    candidates = [
        Candidate(box, *(round(value, 4) for value in values))
        for box, values in zip(boxes, zip(*columns, strict=True), strict=True)
    ]
    head, temperature = network.diagnosis_head, float(network.diagnosis_temperature)
    return Evidence(
        response_peak=round(float(outputs["response_map"].max()), 4),
        fallback=bool(outputs["fallback"] > 0),
        lesion_logit=round(float(outputs["lesion_logit"]), 4),
        logits_visual=_rounded(outputs["y_sam"] / temperature),
        logits_radiomics=_rounded(head.radiomics_weight * outputs["y_rad"] / temperature),
        effective_candidates=round(float(1.0 / weights.pow(2).sum()), 4),
        candidates=candidates,
        descriptors=name_descriptors(network, outputs["radiomics"]) if with_lesion else [],
    )


def name_descriptors(network: nn.Module, radiomics: Tensor, most: int = 5) -> list[Descriptor]:
    """The descriptors that moved a diagnosis most, strongest first; none where radiomics have no part in it.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        radiomics: raw descriptors of one lesion, shape (R).
        most: how many to name.
    """
    moved = network.diagnosis_head.contributions(radiomics.to(network.prompt_embedding.device)).cpu()
    moved = moved / float(network.diagnosis_temperature)
    strongest = moved.abs().argsort(descending=True)[:most].tolist()
    names = network.radiomics.names
    return [
        Descriptor(names[i], round(float(radiomics[i]), 4), round(float(moved[i]), 4))
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


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
