"""BUSI as its authors publish it, as sections of labelled items."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from scripts.data.companions import is_companion

from .near_duplicates import near_duplicate_groups

Sections = dict[str, list[dict[str, Any]]]

BUSI_CLASSES = ("benign", "malignant", "normal")
BUSI_VALIDATION_SHARE = 0.25


@lru_cache(maxsize=8)
def busi_sections(folder: Path) -> Sections:
    """BUSI: ``<class>/<class> (n).png`` with ``_mask.png``, ``_mask_1.png`` ... beside it.

    The set names no patients and repeats scenes, so near-duplicates form groups and groups are split: in every
    class, groups are put in the order of a hash of their first image's name, and the first quarter validates.
    The split depends on the files alone. Images whose duplicates carry another class are left out.

    Args:
        folder: the folder that holds ``benign``, ``malignant`` and ``normal``.

    Returns:
        Sections ``training`` and ``validation``; paths relative to the folder.
    """
    found = [path for path in sorted(folder.glob("*/*.png")) if not is_companion(path.relative_to(folder))]
    images = [path for path in found if _is_busi_image(path)]
    members: dict[int, list[Path]] = {}
    for path, group in zip(images, near_duplicate_groups(images), strict=True):
        members.setdefault(group, []).append(path)
    by_class: dict[str, list[list[Path]]] = {}
    for paths in members.values():
        classes = {path.parent.name for path in paths}
        if len(classes) == 1:
            by_class.setdefault(classes.pop(), []).append(paths)
    sections: Sections = {"training": [], "validation": []}
    for diagnosis in sorted(by_class):
        groups = sorted(by_class[diagnosis], key=lambda paths: hashlib.sha256(paths[0].name.encode()).digest())
        validating = round(BUSI_VALIDATION_SHARE * len(groups))
        for rank, paths in enumerate(groups):
            section = "validation" if rank < validating else "training"
            sections[section] += [_busi_item(folder, path, paths[0].stem) for path in paths]
    return sections


def _is_busi_image(path: Path) -> bool:
    return path.parent.name in BUSI_CLASSES and "_mask" not in path.stem


def _busi_item(folder: Path, path: Path, group: str) -> dict[str, Any]:
    first = path.with_name(f"{path.stem}_mask.png")
    further = sorted(path.parent.glob(f"{path.stem}_mask_*.png"))
    return {
        "image": str(path.relative_to(folder)),
        "label": [str(mask.relative_to(folder)) for mask in (first, *further)],
        "diagnosis": path.parent.name,
        "group": group,
    }
