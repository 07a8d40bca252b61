"""The transforms between the loaded image, the network's outputs and a finding."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor, nn

from scripts.sites import Classes, Site

from .answers import read_answer
from .batches import byte_picture
from .candidates import gather_evidence, response_on_region
from .finding import INDETERMINATE, NOT_CALIBRATED, Finding, Lesion
from .measurements import connected_parts, measure_size

NON_FINITE = "NON_FINITE_OUTPUT"

#: Outputs that a finding is made of; radiomics that cannot be measured are left out by name instead.
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


class MakeFindingd(Transform):
    """Make a :class:`Finding` of the network's outputs and the native mask.

    Reads ``pred`` (the outputs of one image), ``mask`` (1, rows, columns) on the native grid, and ``source``; leaves
    ``finding``, and in ``pred`` its mask as uint8 (rows, columns). Outputs that are not finite make the item
    ``status`` failed, ``reason`` NON_FINITE_OUTPUT, without a finding.

    Args:
        network: knows the names of its radiomics (``radiomics.names``) and, once its weights are loaded, how much each
            moves the diagnosis and whether they were calibrated.
        site: what a lesion can be.
    """

    def __init__(self, network: nn.Module, site: Site) -> None:
        self.network = network
        self.classes = site.classes

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        outputs = {name: values.cpu() for name, values in item["pred"].items()}
        # A mask of a pixel or two may vanish on a coarser native grid: no lesion can be shown then.
        mask = (torch.as_tensor(item["mask"])[0] > 0) & (outputs["lesion_logit"] > 0)
        item["pred"] = mask.to(torch.uint8)
        if not all(bool(torch.isfinite(outputs[name]).all()) for name in TOLD):
            item["status"], item["reason"] = "failed", NON_FINITE
            return item
        item["finding"] = make_finding(outputs, mask.numpy(), item["source"], self.network, self.classes)
        return item


def make_finding(
    outputs: Mapping[str, Tensor], mask: np.ndarray, source: Mapping[str, Any], network: nn.Module, classes: Classes
) -> Finding:
    """What was found in one image.

    Args:
        outputs: of :meth:`RadVLSM.forward_named`, one image, on the CPU.
        mask: as emitted, bool (rows, columns) of the file.
        source: ``crop`` and ``spacing`` of :class:`scripts.data.LoadUltrasoundd`.
        network: the network that they are of.
        classes: what a lesion can be.
    """
    found, answer = bool(mask.any()), read_answer(outputs, classes)
    diagnosis = answer.diagnosis if found else classes.none
    probability = round(answer.probability, 4) if found and answer.probability is not None else None
    reliability = round(answer.mask_reliability, 4)
    flags: tuple[str, ...] = (NOT_CALIBRATED,)
    if network.is_calibrated():
        flags = (INDETERMINATE,) if found and answer.indeterminate else ()
    lesions = tuple(
        Lesion(box, part, measure_size(part, source["spacing"]), diagnosis, probability, reliability, flags=flags)
        for box, part in connected_parts(mask)
    )
    named = zip(network.radiomics.names, outputs["radiomics"].tolist(), strict=True)
    return Finding(
        mask=mask.astype(np.uint8),
        size=measure_size(mask, source["spacing"]),
        lesions=lesions,
        diagnosis=diagnosis,
        probability=probability,
        mask_reliability=reliability,
        lesion_evidence=round(float(torch.sigmoid(outputs["lesion_logit"].double())), 4),
        flags=flags,
        radiomics={name: value for name, value in named if math.isfinite(value)} if found else {},
        evidence=gather_evidence(outputs, source["crop"], network, with_lesion=found),
        response=response_on_region(outputs["response_map"], source["crop"]),
    )
