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

from scripts.writing.notice import NOTE

from .batches import byte_picture
from .candidates import describe_candidates, name_descriptors, response_on_region
from .measurements import measure_size

NON_FINITE = "NON_FINITE_OUTPUT"

#: Evidence that results tell of; radiomics that cannot be measured are left out by name instead.
TOLD = (
    "lesion_logit diagnosis_logits y_sam y_rad reliability gated_mask_logits response_map boxes scores semantic "
    "consistency weights"
).split()


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
    None without a lesion); ``indeterminate`` (a lesion whose diagnosis the network does not trust);
    ``reliability`` (predicted IoU); ``lesion_evidence`` (0..1, a lesion is found
    above 0.5, unless its mask vanishes); ``area_px``, ``area_mm2``, ``long_axis_mm``, ``short_axis_mm``;
    ``radiomics`` {name: value};
    ``evidence``, see :func:`scripts.findings.candidates.describe_candidates`, with the ``descriptors`` that moved the
    diagnosis most; ``note``. The response map of the analysed
    region, uint8 (h, w), goes to ``response``.

    Args:
        network: knows the names of its radiomics (``radiomics.names``) and, once its weights are loaded, how much each
            moves the diagnosis.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        evidence = {name: values.cpu() for name, values in item["pred"].items()}
        # A mask of a pixel or two may vanish on a coarser native grid: no lesion can be shown then.
        mask = (torch.as_tensor(item["mask"])[0] > 0) & (evidence["lesion_logit"] > 0)
        item["pred"] = mask.to(torch.uint8)
        if not all(bool(torch.isfinite(evidence[name]).all()) for name in TOLD):
            item["status"], item["reason"], item["result"] = "failed", NON_FINITE, {}
            return item
        item["result"] = self._describe(evidence, mask.numpy(), item["source"])
        item["response"] = response_on_region(evidence["response_map"], item["source"]["crop"])
        return item

    def _describe(
        self, evidence: Mapping[str, Tensor], mask: np.ndarray, source: Mapping[str, Any]
    ) -> dict[str, Any]:
        found = bool(mask.any())
        probability = float(torch.softmax(evidence["diagnosis_logits"].double(), dim=0)[1])
        reliability = float(evidence["reliability"])
        return {
            "lesion_found": found,
            "diagnosis": ("malignant" if probability >= 0.5 else "benign") if found else "none",
            "malignancy_probability": round(probability, 4) if found else None,
            "indeterminate": found and float(evidence["indeterminate"]) > 0,
            "reliability": round(reliability, 4),
            "lesion_evidence": round(float(torch.sigmoid(evidence["lesion_logit"].double())), 4),
            **measure_size(mask, source["spacing"]),
            "radiomics": self._radiomics(evidence) if found else {},
            "evidence": {
                **describe_candidates(
                    evidence,
                    source["crop"],
                    self.network.diagnosis_head.radiomics_weight,
                    float(self.network.diagnosis_temperature),
                ),
                "descriptors": name_descriptors(self.network, evidence["radiomics"]) if found else [],
            },
            "note": NOTE,
        }

    def _radiomics(self, evidence: Mapping[str, Tensor]) -> dict[str, float]:
        named = zip(self.network.radiomics.names, evidence["radiomics"].tolist(), strict=True)
        return {name: value for name, value in named if math.isfinite(value)}
