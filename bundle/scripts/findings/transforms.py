"""The transforms between the loaded image, the network's outputs and a finding."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
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
from .finding import INDETERMINATE, NOT_CALIBRATED, SPECK, Finding, Lesion
from .measurements import connected_parts, measure_size

#: ``describe(picture, mask, spacing)``: what a lesion looks like, in a sentence, in a few words, and by term.
Describe = Callable[[np.ndarray, np.ndarray, Sequence[float]], tuple[str, str, Mapping[str, str]]]

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

    Reads ``pred`` (the outputs of one image), ``mask`` (1, rows, columns) on the native grid, ``source``, ``picture``
    where lesions are described, and ``lesion_outputs`` where :class:`DiagnoseLesionsd` left any; leaves
    ``finding``, and in ``pred`` its mask as uint8 (rows, columns). Outputs that are not finite make the item
    ``status`` failed, ``reason`` NON_FINITE_OUTPUT, without a finding. An item that is failed or skipped has none.

    Args:
        network: knows the names of its radiomics (``radiomics.names``) and, once its weights are loaded, how much each
            moves the diagnosis and whether they were calibrated.
        site: what a lesion can be.
        describe: ``describe(picture, mask, spacing)`` says what one lesion looks like, such as
            :class:`scripts.semantics.LesionWords`; None says nothing.
    """

    def __init__(self, network: nn.Module, site: Site, describe: Describe | None = None) -> None:
        self.network, self.classes, self.describe = network, site.classes, describe

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        outputs = {name: values.cpu() for name, values in item["pred"].items()}
        # A mask of a pixel or two may vanish on a coarser native grid: no lesion can be shown then.
        mask = (torch.as_tensor(item["mask"])[0] > 0) & (outputs["lesion_logit"] > 0)
        item["pred"] = mask.to(torch.uint8)
        each = item.pop("lesion_outputs", [])
        if item.get("status", "ok") != "ok":
            return item
        told = [outputs[name] for name in TOLD] + [own[name] for own in each for name in TOLD if name in own]
        if not all(bool(torch.isfinite(values).all()) for values in told):
            item["status"], item["reason"] = "failed", NON_FINITE
            return item
        finding = make_finding(outputs, mask.numpy(), item["source"], self.network, self.classes, each)
        if self.describe is not None and finding.found:
            lesions = tuple(self._described(lesion, item) for lesion in finding.lesions)
            finding = replace(finding, lesions=lesions)
        item["finding"] = finding
        return item

    def _described(self, lesion: Lesion, item: Mapping[Hashable, Any]) -> Lesion:
        top, left, bottom, right = lesion.box
        alone = np.zeros(item["pred"].shape, bool)
        alone[top:bottom, left:right] = lesion.mask
        top, left, bottom, right = item["source"]["crop"]
        picture = np.asarray(item["picture"])
        told = self.describe(picture, alone[top:bottom, left:right], item["source"]["spacing"])
        return replace(lesion, **dict(zip(("sentence", "caption", "words"), told, strict=True)))


def make_finding(
    outputs: Mapping[str, Tensor],
    mask: np.ndarray,
    source: Mapping[str, Any],
    network: nn.Module,
    classes: Classes,
    each: Sequence[Mapping[str, Tensor]] = (),
) -> Finding:
    """What was found in one image.

    Args:
        outputs: of :meth:`RadVLSM.forward_named`, one image, on the CPU.
        mask: as emitted, bool (rows, columns) of the file.
        source: ``crop`` and ``spacing`` of :class:`scripts.data.LoadUltrasoundd`.
        network: the network that they are of.
        classes: what a lesion can be.
        each: the outputs of each lesion, largest first; of one lesion alone they are those of the image.
    """
    found, answer = bool(mask.any()), read_answer(outputs, classes)
    diagnosis = answer.diagnosis if found else classes.none
    probability = round(answer.probability, 4) if found and answer.probability is not None else None
    reliability = round(answer.mask_reliability, 4)
    parts = list(connected_parts(mask))
    lesions = tuple(
        _make_lesion(box, part, {**outputs, **own}, source["spacing"], network, classes)
        for (box, part), own in zip(parts, each or [{}] * len(parts), strict=True)
    )
    return Finding(
        mask=mask.astype(np.uint8),
        size=measure_size(mask, source["spacing"]),
        lesions=lesions,
        diagnosis=diagnosis,
        probability=probability,
        mask_reliability=reliability,
        lesion_evidence=round(float(torch.sigmoid(outputs["lesion_logit"].double())), 4),
        flags=_flags(found and answer.indeterminate, network),
        radiomics=_radiomics(outputs, network) if found else {},
        evidence=gather_evidence(outputs, source["crop"], network, with_lesion=found),
        response=response_on_region(outputs["response_map"], source["crop"]),
    )


def _make_lesion(
    box: tuple[int, int, int, int],
    part: np.ndarray,
    outputs: Mapping[str, Tensor],
    spacing: Sequence[float],
    network: nn.Module,
    classes: Classes,
) -> Lesion:
    answer = read_answer(outputs, classes)
    return Lesion(
        box=box,
        mask=part,
        size=measure_size(part, spacing),
        diagnosis=answer.diagnosis,
        probability=None if answer.probability is None else round(answer.probability, 4),
        mask_reliability=round(answer.mask_reliability, 4),
        radiomics=_radiomics(outputs, network),
        flags=(*_flags(answer.indeterminate, network), *((SPECK,) if outputs.get("speck", False) else ())),
    )


def _flags(doubtful: bool, network: nn.Module) -> tuple[str, ...]:
    if not network.is_calibrated():
        return (NOT_CALIBRATED,)
    return (INDETERMINATE,) if doubtful else ()


def _radiomics(outputs: Mapping[str, Tensor], network: nn.Module) -> dict[str, float]:
    named = zip(network.radiomics.names, outputs["radiomics"].tolist(), strict=True)
    return {name: value for name, value in named if math.isfinite(value)}
