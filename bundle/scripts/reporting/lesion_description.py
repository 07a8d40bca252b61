"""From the network's evidence and the native mask to what a reader wants to know about one image."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor, nn

from scripts.reporting.batches import byte_picture
from scripts.reporting.measurements import measure_size

NOTE = "Research use only, not for diagnosis"
NON_FINITE = "NON_FINITE_OUTPUT"


class KeepPictured(MapTransform):
    """Keep a copy of the loaded image as ``picture``, uint8 of shape (C, H, W), before it is resized for the network.

    Args:
        keys: the image's entry.
        picture_key: where the copy goes.
        allow_missing_keys: as in MONAI.
    """

    def __init__(
        self, keys: KeysCollection = "image", picture_key: str = "picture", allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.picture_key = picture_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            item[self.picture_key] = byte_picture(image.as_tensor() if hasattr(image, "as_tensor") else image)
        return item


class DescribeLesiond(Transform):
    """Put the evidence into words and numbers.

    Reads ``pred`` (the evidence of one image), ``mask`` (1, rows, columns) on the native grid, and ``source``; leaves
    ``result``, a dict of plain values (what a server can answer), and in ``pred`` the mask as uint8 (rows, columns).
    Evidence that is not finite makes the item ``status`` failed, ``reason`` NON_FINITE_OUTPUT.

    ``result`` has ``lesion_found``; ``diagnosis`` (benign | malignant | none); ``malignancy_probability`` (tempered,
    None without a lesion); ``indeterminate`` (a lesion whose probability lies within the network's band, or whose
    reliability lies below its threshold); ``reliability`` (predicted IoU); ``lesion_evidence`` (0..1, a lesion is found
    above 0.5); ``area_px``, ``area_mm2``,
    ``long_axis_mm``, ``short_axis_mm``; ``radiomics`` {name: value}; ``boxes`` (x1, y1, x2, y2 in pixels of the
    network's input) and ``weights`` of the valid candidates; ``note``.

    Args:
        network: knows the names of its radiomics (``radiomics.names``) and, once its weights are loaded, the limits
            ``indeterminate_band`` (two probabilities) and ``reliability_threshold``.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        evidence = {name: values.cpu() for name, values in item["pred"].items()}
        # A mask of a pixel or two may vanish on a coarser native grid: no lesion can be shown then.
        mask = (torch.as_tensor(item["mask"])[0] > 0) & (evidence["lesion_logit"] > 0)
        item["pred"] = mask.to(torch.uint8)
        used = [evidence[name] for name in ("lesion_logit", "diagnosis_logits", "reliability", "gated_mask_logits")]
        if not all(bool(torch.isfinite(values).all()) for values in used):
            item["status"], item["reason"], item["result"] = "failed", NON_FINITE, {}
            return item
        item["result"] = self._describe(evidence, mask.numpy(), item["source"]["spacing"])
        return item

    def _describe(self, evidence: Mapping[str, Tensor], mask: np.ndarray, spacing: list[float]) -> dict[str, Any]:
        found = bool(mask.any())
        probability = float(torch.softmax(evidence["diagnosis_logits"].double(), dim=0)[1])
        reliability = float(evidence["reliability"])
        valid = evidence["valid"] > 0
        return {
            "lesion_found": found,
            "diagnosis": ("malignant" if probability >= 0.5 else "benign") if found else "none",
            "malignancy_probability": round(probability, 4) if found else None,
            "indeterminate": found and self._is_indeterminate(evidence, probability, reliability),
            "reliability": round(reliability, 4),
            "lesion_evidence": round(float(torch.sigmoid(evidence["lesion_logit"].double())), 4),
            **measure_size(mask, spacing),
            "radiomics": self._radiomics(evidence) if found else {},
            "boxes": [[round(edge, 1) for edge in box] for box in evidence["boxes"][valid].tolist()],
            "weights": [round(weight, 4) for weight in evidence["weights"][valid].tolist()],
            "note": NOTE,
        }

    def _is_indeterminate(self, evidence: Mapping[str, Tensor], probability: float, reliability: float) -> bool:
        if "indeterminate" in evidence:  # a network that judges this by itself
            return float(evidence["indeterminate"]) > 0
        low, high = (float(limit) for limit in self.network.indeterminate_band)
        return low < probability < high or reliability < float(self.network.reliability_threshold)

    def _radiomics(self, evidence: Mapping[str, Tensor]) -> dict[str, float]:
        named = zip(self.network.radiomics.names, evidence["radiomics"].tolist(), strict=True)
        return {name: value for name, value in named if math.isfinite(value)}
