"""Labelled lists: ``datalist.json`` folders and the layouts of public data sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.errors import BundleError
from scripts.sites import LESION, Classes

from .dicom.header import read_dicom_header
from .file_kinds import DICOM, file_kind
from .image_size import image_size
from .layouts import LAYOUTS
from .reasons import ReadingProblem

LIST_NAME = "datalist.json"


def load_datalist(
    dataset_dir: str | Path | Sequence[str | Path], section: str, classes: Classes, may_be_empty: bool = False
) -> list[dict[str, Any]]:
    """The labelled images of one section of one or several folders, checked.

    A folder holds ``datalist.json`` (sections of items with ``image``, ``label``, ``diagnosis`` and, where one
    patient has several images, ``group``; paths relative to the folder), or is in the public layout of a data set
    (:data:`scripts.data.layouts.LAYOUTS`).

    Args:
        dataset_dir: the folder, or several.
        section: ``training``, ``validation``, or another section of the ``datalist.json``.
        classes: what an item's diagnosis may be. A site without classes knows ``lesion``, which need not be said, and
            the word for its absence.
        may_be_empty: a folder may list nothing under it, or lack it; training goes without validation.

    Returns:
        Items of plain values: ``image`` (absolute path), ``label`` (absolute paths of masks to be united),
        ``diagnosis`` (a class, or no lesion), ``group`` (``"<dataset>/<id>"``, unique over all folders),
        ``dataset`` (the folder's name), ``region`` (0: a DICOM frame is cropped to the one B-mode region that its
        header names, as in inference; -1: the whole picture), and
        ``description`` where the list has one. Images of one group show one patient or one scene.

    Raises:
        BundleError: a folder, list, section or file is missing, a mask has another size than its image, or a
            diagnosis is unknown; the sentence names the item.
    """
    folders = [dataset_dir] if isinstance(dataset_dir, (str, Path)) else list(dataset_dir or ())
    if not all(map(str, folders)) or not folders:
        raise BundleError("No dataset folder is given. Name one or several with --dataset_dir.")
    items: list[dict[str, Any]] = []
    names: set[str] = set()
    for folder in map(Path, folders):
        source, raw = _read_section(folder, section, may_be_empty)
        name = _unique(folder.resolve().name, names)
        items += [_checked(item, f"{source}: item {i}", folder, name, classes) for i, item in enumerate(raw)]
    return items


def _unique(name: str, taken: set[str]) -> str:
    """A dataset name that no folder before has; two folders ``busi`` become ``busi`` and ``busi-2``."""
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}-{count}"
    taken.add(unique)
    return unique


def _read_section(folder: Path, section: str, may_be_empty: bool) -> tuple[str, list[Any]]:
    """Where the list was found, for messages, and the section's items as listed there."""
    if not folder.is_dir():
        raise BundleError(f'The dataset folder "{folder}" does not exist. Check --dataset_dir.')
    if (folder / LIST_NAME).is_file():
        source = f"{folder.name}/{LIST_NAME}"
        try:
            sections = json.loads((folder / LIST_NAME).read_text(encoding="utf-8-sig"))  # editors on Windows mark it
        except ValueError as error:
            raise BundleError(f"{source} is not valid JSON ({error}). Mend the file.") from error
        if not isinstance(sections, dict):
            raise BundleError(f'{source} is not an object with sections such as "training". Mend the file.')
    else:
        layout = next((layout for layout in LAYOUTS if layout.is_here(folder)), None)
        if layout is None:
            names = ", ".join(layout.name for layout in LAYOUTS)
            raise BundleError(
                f'The dataset folder "{folder}" holds no {LIST_NAME} and is in no public layout ({names}). '
                "Check --dataset_dir."
            )
        source, sections = f"{folder.name}/{layout.table}" if layout.table else folder.name, layout.sections(folder)
    items = sections.get(section, [] if may_be_empty else None)
    if not isinstance(items, list) or not (items or may_be_empty):
        raise BundleError(f'{source} lists nothing under "{section}". Add images there or choose another section.')
    return source, items


def _checked(item: Any, where: str, folder: Path, dataset: str, classes: Classes) -> dict[str, Any]:
    """One listed item with absolute paths; ``where`` opens every sentence about it."""
    if not isinstance(item, dict) or not item.get("image") or not item.get("label"):
        raise BundleError(f'{where} lacks "image" or "label". A {classes.absent} image lists one empty mask.')
    diagnosis = item.get("diagnosis") if classes.names else item.get("diagnosis") or LESION
    if diagnosis not in classes.listed:
        known = ", ".join(classes.listed)
        raise BundleError(f'{where} ("{item["image"]}") has the diagnosis "{diagnosis}". Use {known}.')
    labels = [item["label"]] if isinstance(item["label"], str) else list(item["label"])
    description = item.get("description") or ""
    if not isinstance(description, str):
        raise BundleError(f'{where} ("{item["image"]}") has a description that is no text. Write it as one sentence.')
    image, *masks = (_existing(folder, name, where) for name in (item["image"], *labels))
    size = image_size(image)
    for name, mask in zip(labels, masks, strict=True):
        if image_size(mask) != size:
            raise BundleError(
                f'{where} names the mask "{name}" of {_words(image_size(mask))}, but its image "{item["image"]}" has '
                f"{_words(size)}. Replace one of them."
            )
    return {
        "image": str(image),
        "label": [str(mask) for mask in masks],
        "diagnosis": diagnosis,
        "group": f"{dataset}/{item.get('group', item['image'])}",
        "dataset": dataset,
        "region": _only_region(image),
        **({"description": description} if description else {}),
    }


def _only_region(image: Path) -> int:
    """0 where a DICOM header names one B-mode region, otherwise -1: of several nothing tells which a mask is of.

    A file that cannot be read counts as whole: loading it tells what is wrong.
    """
    try:
        is_one = file_kind(str(image)) == DICOM and len(read_dicom_header(str(image)).geometry.regions) == 1
    except ReadingProblem:
        return -1
    return 0 if is_one else -1


def _existing(folder: Path, name: str, where: str) -> Path:
    path = (folder / name).absolute()
    if not path.is_file():
        raise BundleError(f'{where} names "{name}", which does not exist under {folder}. Check --dataset_dir.')
    return path


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]} rows x {size[1]} columns"
