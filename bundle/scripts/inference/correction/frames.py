"""The frames that people annotate: one for each analysed frame of a file, under a name that tools keep."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scripts.data import discover
from scripts.data.loading import LoadUltrasoundd
from scripts.errors import BundleError
from scripts.inference.result_names import fit_name, name_results

_COLUMNS = {"input", "frame", "region", "status", "diagnosis", "mask"}
_SUFFIX = re.compile(r"(?i)(\.(dcm|png|jpe?g|bmp|tiff?|webp|gif|jp2|nii))?(\.gz)?$")
#: What Label Studio puts before the names of uploaded files.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


@dataclass
class Frame:
    """One frame of a file.

    Attributes:
        name: distinct, without folder and suffix: tools drop folders.
        input: path relative to the images' folder, as in predictions.csv.
        path: the file.
        frame: 0-based.
        masks: predicted diagnosis and mask file, one for each B-mode region.
        aliases: other names for it: those of its result files.
    """

    name: str
    input: str
    path: Path
    frame: int
    masks: list[tuple[str, Path]] = field(default_factory=list)
    aliases: set[str] = field(default_factory=set)


def frames_of_run(predictions: str | Path, dataset_dir: str | Path) -> list[Frame]:
    """The frames that an inference run has analysed, with their masks.

    Args:
        predictions: output folder of the run.
        dataset_dir: the images of the run.

    Raises:
        BundleError: the run has not ended, or analysed nothing; or an image is not where it was.
    """
    folder = Path(predictions)
    rows = [row for row in _rows(folder) if row["status"] == "ok"]
    if not rows:
        raise BundleError(f'"{folder}" holds no analysed image. Check --predictions.')
    frames = _frames(
        [{**row, "name": row["mask"].removeprefix("masks/").removesuffix(".png")} for row in rows], dataset_dir
    )
    by_key = {(frame.input, str(frame.frame)): frame for frame in frames}
    for row in rows:
        by_key[row["input"], row["frame"]].masks.append((row["diagnosis"], folder / row["mask"]))
    for frame in frames:
        if not frame.path.is_file():
            raise BundleError(
                f'The run analysed "{frame.input}", which does not exist under {dataset_dir}. Check --dataset_dir.'
            )
    return frames


def frames_of_folder(dataset_dir: str | Path, annotations: str | Path) -> list[Frame]:
    """All frames of a folder's images, where no run tells which were analysed.

    Args:
        dataset_dir: the images.
        annotations: where these lie among the images, as MONAI Label's ``labels/final`` does, their folder
            (``labels``) is left out.

    Raises:
        BundleError: the folder does not exist or holds no image.
    """
    root, drawn = Path(dataset_dir).absolute(), Path(annotations).absolute()
    inside = drawn.is_relative_to(root) and drawn != root
    items = discover(dataset_dir, exclude=root / drawn.relative_to(root).parts[0] if inside else ())
    named = [{**item, "name": name} for item, name in zip(items, name_results(items), strict=True)]
    usable = [item for item in named if item["status"] == "ok"]
    if not usable:
        raise BundleError(f'"{dataset_dir}" holds no image. Check --dataset_dir.')
    return _frames(usable, dataset_dir)


class FrameFinder:
    """Finds the frame that a name means: a path as far as tools have kept it.

    Args:
        frames: all there are.
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._whole: dict[str, Frame] = {}
        self._found: dict[str, list[Frame]] = {}
        for frame in frames:
            for name in {frame.name, *frame.aliases}:
                self._whole.setdefault(name, frame)
                parts = name.split("/")
                for start in range(len(parts)):
                    owners = self._found.setdefault("/".join(parts[start:]), [])
                    if frame not in owners:
                        owners.append(frame)

    def find(self, name: str, where: str) -> Frame:
        """The one frame of a name.

        Args:
            name: with or without folders and suffix.
            where: opens the sentences.

        Raises:
            BundleError: there is none, or more than one.
        """
        parts = _SUFFIX.sub("", name.replace("\\", "/")).strip("/").split("/")
        tails = ["/".join(parts[start:]) for start in range(len(parts))]
        for tail in (*tails, _UPLOADED.sub("", parts[-1])):
            owners = [self._whole[tail]] if tail in self._whole else self._found.get(tail, [])
            if len(owners) == 1:
                return owners[0]
            if owners:
                raise BundleError(
                    f'{where}: {len(owners)} images are called "{tail}". Name the annotated one with its folder.'
                )
        raise BundleError(f'{where}: there is no image "{name}". Check --dataset_dir and --predictions.')


def read_frame(frame: Frame, region: int = -1) -> tuple[np.ndarray, dict[str, Any]]:
    """Pixels of a frame, and where they lie in it.

    Args:
        frame: to be read.
        region: 0-based B-mode region; -1 for the whole frame.

    Returns:
        uint8, shape (rows, columns) or (rows, columns, 3); and ``source`` of :class:`scripts.data.LoadUltrasoundd`.

    Raises:
        BundleError: it cannot be read.
    """
    item = LoadUltrasoundd(any_modality=True)({"image": str(frame.path), "frame": frame.frame, "region": region})
    pixels = (item["image"].numpy() * 255).round().astype(np.uint8)
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0), item["source"]


def _rows(folder: Path) -> list[dict[str, str]]:
    table = folder / "predictions.csv"
    if not table.is_file():
        raise BundleError(f'"{folder}" holds no predictions.csv. Name the output folder of a run with --predictions.')
    try:
        finished = bool(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        finished = False
    if not finished:
        raise BundleError(f'The run in "{folder}" has not ended. Start the same inference again; it goes on.')
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and _COLUMNS - rows[0].keys():
        raise BundleError(f'"{table}" lacks the columns of an inference run. Check --predictions.')
    return rows


def _frames(rows: Iterable[Mapping[str, Any]], dataset_dir: str | Path) -> list[Frame]:
    """Rows of regions, put together by frame.

    Args:
        rows: ``input``, ``frame``, ``region``, and ``name`` of the results.
        dataset_dir: where the inputs lie; or the only one.
    """
    root = Path(dataset_dir)
    root = root.parent if root.is_file() else root
    frames: dict[tuple[str, int], Frame] = {}
    taken: set[str] = set()
    for row in rows:
        key, name = (str(row["input"]), int(row["frame"])), str(row["name"])
        whole = name if str(row["region"]) in ("", "-1") else name.removesuffix(f"_r{row['region']}")
        if key not in frames:
            frames[key] = Frame(_distinct(fit_name(whole.replace("/", "__")), taken), key[0], root / key[0], key[1])
        frames[key].aliases |= {name, whole}
    return list(frames.values())


def _distinct(name: str, taken: set[str]) -> str:
    distinct, count = name, 1
    while distinct in taken:
        count += 1
        distinct = f"{name}-{count}"
    taken.add(distinct)
    return distinct
