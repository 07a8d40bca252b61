"""A folder of patients' files as a list of work items: every file at least once, in natural order."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .dicom.duplicates import digest_pixels, tell_apart
from .file_rows import FoundFile, FrameSettings, look_into, make_row
from .frame_choice import FrameChoice
from .reasons import join_notes, note


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
    choice = FrameSettings(frames, max_frames, any_modality)
    items = list_items([look_into(path, name, choice, readable) for path, name, readable in walk(dataset_dir, exclude)])
    if not items:
        raise BundleError(f'"{dataset_dir}" holds no files. Check --dataset_dir.')
    return items


def list_items(
    files: Sequence[FoundFile], copy_of: Callable[[str], AbstractContextManager[str]] = nullcontext
) -> list[dict[str, Any]]:
    """Compare files with each other, and number their rows; see :func:`discover`.

    Args:
        files: in the order of the rows.
        copy_of: makes a file that can be opened of a ``path``, while it is needed.
    """
    contents = _contents(files, copy_of)
    items: list[dict[str, Any]] = []
    for file in files:
        for row in _judged(file, contents.get(file.path, "")):
            items.append({"image": file.path, "input": file.name, "row": len(items), **row})
    return items


def _contents(
    files: Iterable[FoundFile], copy_of: Callable[[str], AbstractContextManager[str]]
) -> dict[str, str | None]:
    """By path, for files whose UID others have too, see :func:`tell_apart`; their pixel data alone is read."""
    by_uid: dict[str, list[FoundFile]] = defaultdict(list)
    for file in files:
        if file.place is not None:
            by_uid[file.rows[0]["sop_instance_uid"]].append(file)
    contents: dict[str, str | None] = {}
    for same in (same for same in by_uid.values() if len(same) > 1):
        digests = []
        for file in same:
            with copy_of(file.path) as path:
                digests.append(digest_pixels(path, file.place))
        contents |= dict(zip([file.path for file in same], tell_apart(digests), strict=True))
    return contents


def _judged(file: FoundFile, content: str | None) -> list[dict[str, Any]]:
    """A file's rows, compared with the others' of its UID."""
    if content is None:
        return [make_row(uid=file.rows[0]["sop_instance_uid"], status="skipped", reason=note("DUPLICATE"))]
    if not content:
        return file.rows
    reused = note("UID_REUSED", "other images have the same UID")
    return [
        {**row, "content": content, "reason": join_notes(row["reason"], reused)} if row["status"] == "ok" else row
        for row in file.rows
    ]


def walk(dataset_dir: str | Path, exclude: str | Path | Sequence[str | Path] = ()) -> Iterator[tuple[str, str, bool]]:
    """Path, name and readability of every file under a folder, in natural order.

    Args:
        dataset_dir: searched through all sub-folders, symbolic links included; or a single file.
        exclude: folders to leave out.

    Raises:
        BundleError: the folder does not exist.
    """
    root = os.path.abspath(os.fspath(dataset_dir))
    if not os.path.exists(root):
        raise BundleError(f'"{dataset_dir}" does not exist. Check --dataset_dir.')
    left_out = [exclude] if isinstance(exclude, (str, Path)) else list(exclude)
    for path, readable in _walk(root, {os.path.realpath(folder) for folder in left_out}):
        name = os.path.basename(root) if path == root else os.path.relpath(path, root)
        # A name that is not UTF-8 could not be written to predictions.csv.
        yield path, os.fsencode(name).decode("utf-8", "backslashreplace"), readable


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
        pending.extend(os.path.join(path, name) for name in sorted(names, key=natural, reverse=True))


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """image2 before image10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)], name
