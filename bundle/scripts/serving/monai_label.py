"""Between MONAI Label's requests and the bundle's transforms (``pre_transforms``, ``post_transforms``).

MONAI Label hands the parameters of a request to the transforms as entries of the item, builds ``network_def`` itself,
and fills copies of it from ``models/``, for which a warning in the log is enough when the weights do not fit.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from torch import nn

from scripts.data.dicom.header import read_dicom_header
from scripts.data.file_kinds import DICOM, file_kind
from scripts.data.reasons import ReadingProblem
from scripts.errors import BundleError
from scripts.findings.finding import Finding, Lesion, Size
from scripts.networks import load_weights
from scripts.sites import Site
from scripts.writing.notice import NOTE

from .geometry import file_affine

PICTURES = (".png", ".jpg", ".jpeg")


class UseServedWeights(Transform):
    """Fill the network's definition, strictly, with the weights that the request will be answered with.

    MONAI Label copies the definition and then loads the same file without strictness. A definition that already holds
    the weights makes this harmless, and knows whether they are calibrated and how much each descriptor moves the
    diagnosis, which :class:`scripts.findings.MakeFindingd` asks it for. A file is read again when it changes.

    Args:
        network: the definition.
        folder: where the weights are; the request may name one by ``model_filename``.

    Raises:
        BundleError: when called, if the weights do not fit the network; the sentence names the tensors.
    """

    def __init__(self, network: nn.Module, folder: str | os.PathLike[str]) -> None:
        self.network, self.folder = network, Path(folder)
        self._loaded: tuple[Path, int] | None = None

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        named = data.get("model_filename") or []
        name = named if isinstance(named, str) else next(iter(named), "model.pt")
        path = self.folder / os.path.basename(name)
        path = path if path.is_file() else self.folder / "model.pt"
        version = (path, path.stat().st_mtime_ns) if path.is_file() else None
        if version is None or version != self._loaded:
            load_weights(self.network, path)
            self._loaded = version
        return dict(data)


class ChooseFirstRegiond(MapTransform):
    """Analyse the first B-mode region of a DICOM file, as inference on folders does, unless ``region`` is given.

    Args:
        keys: the path of the image; an array stays as it is.
        any_modality: as in :class:`scripts.data.LoadUltrasoundd`.
        allow_missing_keys: as in MONAI.
    """

    def __init__(self, keys: KeysCollection, any_modality: bool = False, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.any_modality = any_modality

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            if "region" not in item and isinstance(item[key], str):
                item["region"] = 0 if self._has_regions(item[key]) else -1
        return item

    def _has_regions(self, path: str) -> bool:
        try:
            return file_kind(path) == DICOM and bool(read_dicom_header(path, self.any_modality).geometry.regions)
        except ReadingProblem:  # loading says what is wrong with the file
            return False


def result_of(finding: Finding, probability: str) -> dict[str, Any]:
    """What a client is told of a finding, as JSON can hold it.

    Args:
        finding: of the image.
        probability: key of the positive class's probability.

    Returns:
        ``lesion_found``; ``diagnosis``; the probability (None without a lesion); ``calibrated``; ``indeterminate``
        (None where not calibrated); ``reliability`` of the mask; ``lesion_evidence``; ``area_px``, ``area_mm2``,
        ``long_axis_mm``, ``short_axis_mm`` ("" where the spacing is not known); ``lesions``, each with its own ``box``
        (top, left, bottom, right), answer, sizes, ``description`` and ``words``, measured from the predicted outline;
        ``radiomics`` by name; ``evidence`` as an entry of evidence.json; ``note``.
    """
    return {
        "lesion_found": finding.found,
        "diagnosis": finding.diagnosis,
        probability: finding.probability,
        "calibrated": finding.calibrated,
        "indeterminate": finding.indeterminate,
        "reliability": finding.mask_reliability,
        "lesion_evidence": finding.lesion_evidence,
        **_blank_unknown(finding.size),
        "lesions": [_told(lesion, probability) for lesion in finding.lesions],
        "radiomics": dict(finding.radiomics),
        "evidence": asdict(finding.evidence),
        "note": NOTE,
    }


def _told(lesion: Lesion, probability: str) -> dict[str, Any]:
    return {
        "box": list(lesion.box),
        "diagnosis": lesion.diagnosis,
        probability: lesion.probability,
        "reliability": lesion.mask_reliability,
        "flags": list(lesion.flags),
        **_blank_unknown(lesion.size),
        "description": lesion.sentence,
        "words": dict(lesion.words),
    }


def _blank_unknown(size: Size) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in asdict(size).items()}


class RefuseFailures(Transform):
    """End the request where a transform before this one has marked the item as skipped or failed.

    Raises:
        BundleError: when called; the sentence tells the reason.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        if data.get("status", "ok") != "ok":
            reason = data.get("reason")
            raise BundleError(f"The image cannot be analysed: {reason}. Send another file, frame or region.")
        return dict(data)


class AnswerClient(Transform):
    """Turn an item with a finding into what MONAI Label writes and sends.

    ``pred`` becomes columns before rows, as MONAI Label's writer expects it: (columns, rows) for pictures, otherwise
    (columns, rows, 1) with the affine of the input file. Unless the request says ``result_extension``, a picture is
    answered by PNG and DICOM by NIfTI: a mask as JPEG would be blurred, and as DICOM nothing would refer to its source.
    ``result`` becomes :func:`result_of` the finding, with the notes on the input (``reason``) and, where a question was
    asked, what is told to it (``told`` of :class:`scripts.serving.AnswerQuestion`).

    Args:
        site: what a lesion can be.
    """

    def __init__(self, site: Site) -> None:
        self.classes = site.classes

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        path = str(item.get("image_path") or "")
        extension = str(item.get("result_extension") or self._extension(path))
        item["result_extension"] = extension
        mask = torch.as_tensor(item["pred"]).t().contiguous()
        if extension not in PICTURES:
            mask = MetaTensor(mask.unsqueeze(-1), affine=torch.from_numpy(file_affine(path)))
        item["pred"] = mask
        item["result"] = {**result_of(item["finding"], self.classes.probability), "reason": item.get("reason", "")}
        item["result"] |= item.get("told", {})
        return item

    @staticmethod
    def _extension(path: str) -> str:
        name = path.lower()
        if name.endswith(PICTURES):
            return ".png"
        return next((kind for kind in (".nii.gz", ".nii", ".nrrd") if name.endswith(kind)), ".nii.gz")
