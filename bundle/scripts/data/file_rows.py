"""What one file gives: a row for each frame and B-mode region, from its header alone."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from typing import Any

from .companions import is_companion
from .dicom.duplicates import PixelPlace, pixel_place
from .dicom.header import DicomHeader, read_dicom_header
from .dicom.regions import STALE_REGION
from .file_kinds import DICOM, PICTURE, file_kind
from .frame_choice import FrameChoice, choose_frames
from .limits import MINIMUM_SIDE
from .pictures import count_pictures
from .reasons import ReadingProblem, join_notes, note

_MASK_NAMES = tuple(f"*_mask*.{suffix}" for suffix in ("png", "bmp", "gif", "jp2", "tif", "tiff", "webp"))


@dataclass(frozen=True)
class FrameSettings:
    """What is taken of a file.

    Attributes:
        frames: which frames of a cine, see :func:`discover`.
        max_frames: of one cine.
        any_modality: take DICOM images of other modalities too.

    Raises:
        BundleError: ``frames`` or ``max_frames`` says nothing sensible.
    """

    frames: FrameChoice = "all"
    max_frames: int = 1000
    any_modality: bool = False

    def __post_init__(self) -> None:
        choose_frames(1, self.frames, self.max_frames)  # a mistake in the arguments shows before any file is read


@dataclass(frozen=True)
class FoundFile:
    """What one file gives, before it is compared with others.

    Attributes:
        path: where it is.
        name: the ``input`` of its rows.
        rows: see :func:`discover`, without ``image``, ``input`` and ``row``.
        place: where the pixel data lies of a DICOM image with a UID; None for any other file.
    """

    path: str
    name: str
    rows: list[dict[str, Any]]
    place: PixelPlace | None = None


def look_into(path: str, name: str, choice: FrameSettings, readable: bool = True) -> FoundFile:
    """Read what a file's header tells.

    Args:
        path: where it is, or a folder that is not ``readable``.
        name: its ``input``.
        choice: what is taken of it.
        readable: False where it is known that it cannot be opened.
    """
    try:
        if not readable:
            raise ReadingProblem("UNREADABLE", "the folder cannot be opened")
        if is_companion(name):
            raise ReadingProblem("COMPANION_FILE")
        return FoundFile(path, name, *_rows(path, choice))
    except ReadingProblem as problem:
        return FoundFile(path, name, [make_row(status=problem.status, reason=problem.reason)])


def _rows(path: str, choice: FrameSettings) -> tuple[list[dict[str, Any]], PixelPlace | None]:
    """All that one file gives, without its name; and where its pixel data lies if others might have its UID."""
    if any(fnmatch.fnmatch(os.path.basename(path).lower(), names) for names in _MASK_NAMES):
        raise ReadingProblem("NOT_AN_IMAGE", "named like a ground truth mask")
    kind = file_kind(path)
    if kind == DICOM:
        return _dicom_rows(read_dicom_header(path, choice.any_modality), choice)
    chosen, limit = _choose(count_pictures(path) if kind == PICTURE else 1, choice)
    return [make_row(frame=frame, reason=limit) for frame in chosen] or [make_row(status="skipped", reason=limit)], None


def _choose(count: int, choice: FrameSettings) -> tuple[list[int], str]:
    """The frames to analyse, and a note where they are not all."""
    chosen = choose_frames(count, choice.frames, choice.max_frames)
    return chosen, note("CINE_LIMIT", f"{len(chosen)} of {count} frames") if len(chosen) < count else ""


def _dicom_rows(header: DicomHeader, choice: FrameSettings) -> tuple[list[dict[str, Any]], PixelPlace | None]:
    uid = header.sop_instance_uid
    place = pixel_place(header) if uid else None
    if min(header.rows, header.columns) < MINIMUM_SIDE:
        words = f"less than {MINIMUM_SIDE} pixels high or wide"
        return [make_row(uid=uid, status="failed", reason=note("UNUSABLE_IMAGE", words))], None
    chosen, limit = _choose(header.frames, choice)
    if not chosen:
        return [make_row(uid=uid, status="skipped", reason=limit)], place
    regions = range(len(header.geometry.regions)) or (-1,)
    rows = []
    for region in regions:
        area = header.geometry.select(region)
        stale = "the regions do not fit the frame" if area.provenance == STALE_REGION else ""
        reason = join_notes(
            note("MULTIPLE_REGIONS", f"{len(regions)} B-mode regions") if len(regions) > 1 else "",
            limit,
            _count_note(header),
            "" if header.study_instance_uid else note("NO_STUDY_UID"),
            "" if area.spacing else note("SPACING_UNKNOWN", stale),
        )
        rows += [make_row(frame=frame, region=region, uid=uid, reason=reason) for frame in chosen]
    rows = [{**row, "study": header.study_instance_uid} for row in rows]
    return sorted(rows, key=lambda row: (row["frame"], row["region"])), place


def _count_note(header: DicomHeader) -> str:
    if header.frames == header.promised_frames or (header.frames == 1 and not header.promised_frames):
        return ""
    promised = "none" if header.promised_frames is None else header.promised_frames
    return note("FRAME_COUNT", f"{header.frames} in the pixel data, {promised} in the header")


def make_row(frame: int = 0, region: int = -1, uid: str = "", status: str = "ok", reason: str = "") -> dict[str, Any]:
    """What is known of one image before it is read."""
    return {
        "frame": frame,
        "region": region,
        "sop_instance_uid": uid,
        "status": status,
        "reason": reason,
        "content": "",
    }
