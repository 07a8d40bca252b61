"""The MONAI transforms that bring an ultrasound image into memory, for training, MONAI Label and inference alike."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from scripts.errors import BundleError

from .arrays import arrange, full_scale, is_own_scale, read_nifti
from .dicom.header import read_dicom_header
from .dicom.pixels import read_dicom_frame
from .dicom.regions import PIXEL_SPACING, UNKNOWN
from .file_kinds import DICOM, NIFTI, file_kind
from .limits import MINIMUM_SIDE
from .pictures import read_picture, unit_range
from .preprocessing import is_gray
from .reasons import ReadingProblem, join_notes, note

# A pixel is coloured where its channels lie this far apart, and a picture shows flow where so many pixels are.
_COLORED, _COLORED_SHARE = 0.35, 0.01
_BLANK = (1, 64, 64)


class LoadUltrasoundd(MapTransform):
    """Load an ultrasound image as a MetaTensor (C, H, W), C = 1 or 3, float32 in [0, 1], rows before columns.

    The entry is the path of a DICOM, picture or NIfTI file, with the item's ``frame`` (0) and ``region`` (-1, the
    whole frame) where they are given, as in the work items of :func:`scripts.data.discover`; or an array that someone
    else has loaded (see :func:`scripts.data.arrays.arrange`).

    Beside the image the item gets ``source``, a dict of plain values::

        kind                 "dicom" | "picture" | "nifti" | "array" | "" (nothing was read)
        rows, columns        of the file's own frame
        crop                 [top, left, bottom, right] of the image in that frame, bottom and right exclusive
        spacing              [row_mm, column_mm], [] where unknown
        spacing_provenance   "regions" | "pixel_spacing" | "unknown" | "stale_region"
        color_flow           the header names a colour flow region, or more than 1 % of the pixels are strongly coloured

    Args:
        keys: the item's image entry.
        record_failures: if True nothing raises: the item gets ``status`` (ok | skipped | failed) and ``reason``
            (a code of :mod:`scripts.data.reasons`, then words), a blank image (1, 64, 64) stands in for one that cannot
            be analysed, which includes black and tiny ones, and the path is left out of the image's meta data.
        decode_seconds: time limit for one compressed DICOM frame.
        any_modality: read DICOM images of other modalities too.
        gray: images are gray by nature, so that strong colours are noted as flow; otherwise they are coloured, and a
            gray one is none of them.
        allow_missing_keys: as in MONAI.

    Raises:
        BundleError: a file that cannot be read, unless ``record_failures``.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        record_failures: bool = False,
        decode_seconds: float = 30.0,
        any_modality: bool = False,
        gray: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.record_failures = record_failures
        self.decode_seconds = decode_seconds
        self.any_modality, self.gray = any_modality, gray

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            if self.record_failures:
                self._load_or_record(item, key)
            else:
                self._load_or_raise(item, key)
        return item

    def _load_or_raise(self, item: dict[Hashable, Any], key: Hashable) -> None:
        entry = item[key]
        try:
            item[key], item["source"], _ = self._load(entry, int(item.get("frame", 0)), int(item.get("region", -1)))
            self._refuse_gray(item[key])
        except ReadingProblem as problem:
            name = f'"{entry}"' if isinstance(entry, (str, os.PathLike)) else "The image"
            raise BundleError(f"{name} cannot be read: {problem.reason}. Replace it or take it off the list.") from None
        if isinstance(entry, (str, os.PathLike)):
            item[key].meta["filename_or_obj"] = os.fspath(entry)

    def _refuse_gray(self, image: torch.Tensor) -> None:
        if not self.gray and is_gray(image):
            raise ReadingProblem("GRAY_IMAGE", "the images of this site are coloured")

    def _load_or_record(self, item: dict[Hashable, Any], key: Hashable) -> None:
        status, notes = item.get("status", "ok"), item.get("reason", "")
        image, source = MetaTensor(torch.zeros(_BLANK)), _describe("", (0, 0, 0, 0), 0, 0)
        if status == "ok":
            try:
                image, source, more = self._load(item[key], int(item.get("frame", 0)), int(item.get("region", -1)))
                _check_usable(image)
                self._refuse_gray(image)
                notes = join_notes("COLOR_FLOW" if self.gray and source["color_flow"] else "", notes, more)
            except ReadingProblem as problem:
                status, notes, image = problem.status, problem.reason, MetaTensor(torch.zeros(_BLANK))
            except Exception:  # a run over patients' files goes on whatever one of them does
                status, notes, image = "failed", "PIXEL_DECODE_FAILED", MetaTensor(torch.zeros(_BLANK))
        item[key], item["source"], item["status"], item["reason"] = image, source, status, notes

    def _load(self, entry: Any, frame: int, region: int) -> tuple[MetaTensor, dict[str, Any], str]:
        """Image, source, and what is to be noted of them beside what the header told."""
        if not isinstance(entry, (str, os.PathLike)):
            return _from_values(arrange(np.asarray(torch.as_tensor(entry).cpu())), "array", [], None)
        path = os.fspath(entry)
        kind = file_kind(path)
        if kind == DICOM:
            return self._load_dicom(path, frame, region)
        if kind == NIFTI:
            values, spacing, affine = read_nifti(path)
            return _from_values(values, kind, spacing, affine)
        return _from_values(read_picture(path, frame), kind, [], None)

    def _load_dicom(self, path: str, frame: int, region: int) -> tuple[MetaTensor, dict[str, Any], str]:
        header = read_dicom_header(path, self.any_modality)
        if not frame < header.frames or not region < len(header.geometry.regions):
            raise ReadingProblem("UNUSABLE_IMAGE", "the file has no such frame or region")
        area = header.geometry.select(region)
        image, notes = read_dicom_frame(path, header, frame, area.crop, self.decode_seconds)
        source = _describe(DICOM, area.crop, header.rows, header.columns)
        source["spacing"], source["spacing_provenance"] = list(area.spacing), area.provenance
        source["color_flow"] = header.geometry.color_flow or _is_colored(image)
        return MetaTensor(torch.from_numpy(image)), source, notes


def _from_values(
    values: np.ndarray, kind: str, spacing: list[float], affine: Any
) -> tuple[MetaTensor, dict[str, Any], str]:
    """Image, source and note of a whole picture, (H, W) or (H, W, 3) in whatever range."""
    white = full_scale(values)
    assumed = "" if is_own_scale(values, white) else note("SCALE_ASSUMED", f"{white:.0f} is taken as white")
    image = unit_range(np.nan_to_num(values) if np.issubdtype(values.dtype, np.floating) else values, white)
    rows, columns = image.shape[1:]
    source = _describe(kind, (0, 0, rows, columns), rows, columns)
    source["spacing"], source["spacing_provenance"] = spacing, PIXEL_SPACING if spacing else UNKNOWN
    source["color_flow"] = _is_colored(image)
    affine = None if affine is None else torch.from_numpy(affine)
    return MetaTensor(torch.from_numpy(image), affine=affine), source, assumed


def _describe(kind: str, crop: tuple[int, int, int, int], rows: int, columns: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "rows": rows,
        "columns": columns,
        "crop": list(crop),
        "spacing": [],
        "spacing_provenance": UNKNOWN,
        "color_flow": False,
    }


def _is_colored(image: np.ndarray) -> bool:
    if image.shape[0] == 1:
        return False
    sample = image[:, ::4, ::4]
    return bool(((sample.max(axis=0) - sample.min(axis=0)) > _COLORED).mean() > _COLORED_SHARE)


def _check_usable(image: torch.Tensor) -> None:
    if min(image.shape[1:]) < MINIMUM_SIDE:
        raise ReadingProblem("UNUSABLE_IMAGE", f"less than {MINIMUM_SIDE} pixels high or wide")
    if bool(image.amax() <= image.amin()):
        raise ReadingProblem("UNUSABLE_IMAGE", "all pixels are equal")
