"""A folder of patients' files as a list of work items: every file at least once, in natural order."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .dicom.header import DicomHeader, read_dicom_header
from .dicom.regions import STALE_REGION
from .file_kinds import DICOM, file_kind
from .frame_choice import FrameChoice, choose_frames
from .limits import MINIMUM_SIDE
from .reasons import ReadingProblem, join_notes, note

_MASK_NAMES = "*_mask*.png"


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
        (ok | skipped | failed) and ``reason``; of DICOM images also ``study``, the Study Instance UID or "". Less than
        10 kB each.

    Raises:
        BundleError: the folder does not exist or holds no file, or ``frames`` says nothing sensible.
    """
    root = os.path.abspath(os.fspath(dataset_dir))
    if not os.path.exists(root):
        raise BundleError(f'"{dataset_dir}" does not exist. Check --dataset_dir.')
    choose_frames(1, frames, max_frames)  # a mistake in the arguments shows before any file is read
    left_out = [exclude] if isinstance(exclude, (str, Path)) else list(exclude)
    seen: set[bytes] = set()
    items: list[dict[str, Any]] = []
    for path, readable in _walk(root, {os.path.realpath(folder) for folder in left_out}):
        name = os.path.basename(root) if path == root else os.path.relpath(path, root)
        # A name that is not UTF-8 could not be written to predictions.csv.
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        try:
            if not readable:
                raise ReadingProblem("UNREADABLE", "the folder cannot be opened")
            rows = _rows(path, frames, max_frames, any_modality, seen)
        except ReadingProblem as problem:
            rows = [_row(status=problem.status, reason=problem.reason)]
        items += [{"image": path, "input": shown, "row": len(items) + index, **row} for index, row in enumerate(rows)]
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


def _rows(
    path: str, frames: FrameChoice, max_frames: int, any_modality: bool, seen: set[bytes]
) -> list[dict[str, Any]]:
    """All that one file gives, without its name."""
    if fnmatch.fnmatch(os.path.basename(path).lower(), _MASK_NAMES):
        raise ReadingProblem("NOT_AN_IMAGE", "named like a ground truth mask")
    if file_kind(path) != DICOM:
        return [_row()]
    return _dicom_rows(read_dicom_header(path, any_modality), frames, max_frames, seen)


def _dicom_rows(header: DicomHeader, frames: FrameChoice, max_frames: int, seen: set[bytes]) -> list[dict[str, Any]]:
    uid = header.sop_instance_uid
    digest = hashlib.blake2b(uid.encode(), digest_size=16).digest()
    if uid and digest in seen:
        return [_row(uid=uid, status="skipped", reason=note("DUPLICATE"))]
    if min(header.rows, header.columns) < MINIMUM_SIDE:
        words = f"less than {MINIMUM_SIDE} pixels high or wide"
        return [_row(uid=uid, status="failed", reason=note("UNUSABLE_IMAGE", words))]
    seen.add(digest)
    chosen = choose_frames(header.frames, frames, max_frames)
    limit = note("CINE_LIMIT", f"{len(chosen)} of {header.frames} frames") if len(chosen) < header.frames else ""
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
            "" if header.study_instance_uid else note("NO_STUDY_UID"),
            "" if area.spacing else note("SPACING_UNKNOWN", stale),
        )
        rows += [_row(frame=frame, region=region, uid=uid, reason=reason) for frame in chosen]
    rows = [{**row, "study": header.study_instance_uid} for row in rows]
    return sorted(rows, key=lambda row: (row["frame"], row["region"]))


def _row(frame: int = 0, region: int = -1, uid: str = "", status: str = "ok", reason: str = "") -> dict[str, Any]:
    return {"frame": frame, "region": region, "sop_instance_uid": uid, "status": status, "reason": reason}
