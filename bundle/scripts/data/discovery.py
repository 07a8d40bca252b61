"""A folder of patients' files as a list of work items: every file at least once, in natural order."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .companions import is_companion
from .dicom.duplicates import Duplicates
from .dicom.header import DicomHeader, read_dicom_header
from .dicom.regions import STALE_REGION
from .file_kinds import DICOM, PICTURE, file_kind
from .frame_choice import FrameChoice, choose_frames
from .limits import MINIMUM_SIDE
from .pictures import count_pictures
from .reasons import ReadingProblem, join_notes, note

_MASK_NAMES = tuple(f"*_mask*.{suffix}" for suffix in ("png", "bmp", "gif", "jp2", "tif", "tiff", "webp"))


def discover(
    dataset_dir: str | Path,
    frames: FrameChoice = "all",
    max_frames: int = 1000,
    any_modality: bool = False,
    exclude: str | Path | Sequence[str | Path] = (),
) -> list[dict[str, Any]]:
    """List what there is to analyse under a folder: one item per (file, frame, B-mode region).

    Only headers are read. Files that need no further look (not an image, cut, duplicated, ...) are in the list too,
    with their status and reason.

    Args:
        dataset_dir: searched through all sub-folders, symbolic links included; or a single file.
        frames: which frames of a cine: "all", "middle", "every N", or a list of 0-based frames.
        max_frames: of one cine; more are thinned evenly.
        any_modality: take DICOM images of other modalities too.
        exclude: folders to leave out, such as an output folder inside ``dataset_dir``.

    Returns:
        Items with the keys ``image`` (absolute path), ``input`` (path relative to ``dataset_dir``), ``row`` (0-based
        position in the list), ``frame``, ``region`` (-1: the whole frame), ``sop_instance_uid``, ``status``
        (ok | skipped | failed) and ``reason``; ``content``, a digest of the pixel data where several images have one
        SOP Instance UID, otherwise ""; of DICOM images also ``study``, the Study Instance UID or "". Less than 10 kB
        each.

    Raises:
        BundleError: the folder does not exist or holds no file, or ``frames`` says nothing sensible.
    """
    root = os.path.abspath(os.fspath(dataset_dir))
    if not os.path.exists(root):
        raise BundleError(f'"{dataset_dir}" does not exist. Check --dataset_dir.')
    choose_frames(1, frames, max_frames)  # a mistake in the arguments shows before any file is read
    left_out = [exclude] if isinstance(exclude, (str, Path)) else list(exclude)
    duplicates = Duplicates()
    items: list[dict[str, Any]] = []
    for path, readable in _walk(root, {os.path.realpath(folder) for folder in left_out}):
        name = os.path.basename(root) if path == root else os.path.relpath(path, root)
        # A name that is not UTF-8 could not be written to predictions.csv.
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        try:
            if not readable:
                raise ReadingProblem("UNREADABLE", "the folder cannot be opened")
            if is_companion(name):
                raise ReadingProblem("COMPANION_FILE")
            rows = _rows(path, frames, max_frames, any_modality, duplicates)
        except ReadingProblem as problem:
            rows = [_row(status=problem.status, reason=problem.reason)]
        items += [{"image": path, "input": shown, "row": len(items) + index, **row} for index, row in enumerate(rows)]
    _tell_apart(items, duplicates)
    if not items:
        raise BundleError(f'"{dataset_dir}" holds no files. Check --dataset_dir.')
    return items


def _walk(root: str, left_out: set[str]) -> Iterator[tuple[str, bool]]:
    """Files below ``root`` in natural order, each folder once, with True; a folder that cannot be opened with False."""
    visited: set[tuple[int, int]] = set()
    pending = [root]
    while pending:
        path = pending.pop()
        if not os.path.isdir(path):
            yield path, True
            continue
        try:
            status = os.stat(path)
            names = os.listdir(path)
        except OSError:
            yield path, False
            continue
        if (status.st_dev, status.st_ino) in visited or os.path.realpath(path) in left_out:
            continue
        visited.add((status.st_dev, status.st_ino))
        pending.extend(os.path.join(path, name) for name in sorted(names, key=_natural, reverse=True))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """image2 before image10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)], name


def _tell_apart(items: list[dict[str, Any]], duplicates: Duplicates) -> None:
    """Name the different images of one UID, the first of which was not known to be one of several; in place."""
    for item in items:
        if item["status"] == "ok" and (content := duplicates.content(item["image"])):
            item["content"] = content
            item["reason"] = join_notes(item["reason"], note("UID_REUSED", "other images have the same UID"))


def _rows(
    path: str, frames: FrameChoice, max_frames: int, any_modality: bool, duplicates: Duplicates
) -> list[dict[str, Any]]:
    """All that one file gives, without its name."""
    if any(fnmatch.fnmatch(os.path.basename(path).lower(), names) for names in _MASK_NAMES):
        raise ReadingProblem("NOT_AN_IMAGE", "named like a ground truth mask")
    kind = file_kind(path)
    if kind == DICOM:
        return _dicom_rows(path, read_dicom_header(path, any_modality), frames, max_frames, duplicates)
    count = count_pictures(path) if kind == PICTURE else 1
    chosen, limit = _choose(count, frames, max_frames)
    return [_row(frame=frame, reason=limit) for frame in chosen] or [_row(status="skipped", reason=limit)]


def _choose(count: int, frames: FrameChoice, max_frames: int) -> tuple[list[int], str]:
    """The frames to analyse, and a note where they are not all."""
    chosen = choose_frames(count, frames, max_frames)
    return chosen, note("CINE_LIMIT", f"{len(chosen)} of {count} frames") if len(chosen) < count else ""


def _dicom_rows(
    path: str, header: DicomHeader, frames: FrameChoice, max_frames: int, duplicates: Duplicates
) -> list[dict[str, Any]]:
    uid = header.sop_instance_uid
    if min(header.rows, header.columns) < MINIMUM_SIDE:
        words = f"less than {MINIMUM_SIDE} pixels high or wide"
        return [_row(uid=uid, status="failed", reason=note("UNUSABLE_IMAGE", words))]
    if uid and duplicates.is_known(path, header):
        return [_row(uid=uid, status="skipped", reason=note("DUPLICATE"))]
    chosen, limit = _choose(header.frames, frames, max_frames)
    if not chosen:
        return [_row(uid=uid, status="skipped", reason=limit)]
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
        rows += [_row(frame=frame, region=region, uid=uid, reason=reason) for frame in chosen]
    rows = [{**row, "study": header.study_instance_uid} for row in rows]
    return sorted(rows, key=lambda row: (row["frame"], row["region"]))


def _count_note(header: DicomHeader) -> str:
    if header.frames == header.promised_frames or (header.frames == 1 and not header.promised_frames):
        return ""
    promised = "none" if header.promised_frames is None else header.promised_frames
    return note("FRAME_COUNT", f"{header.frames} in the pixel data, {promised} in the header")


def _row(frame: int = 0, region: int = -1, uid: str = "", status: str = "ok", reason: str = "") -> dict[str, Any]:
    return {
        "frame": frame,
        "region": region,
        "sop_instance_uid": uid,
        "status": status,
        "reason": reason,
        "content": "",
    }
