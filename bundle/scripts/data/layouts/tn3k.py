"""TN3K as its authors publish it, as sections of labelled items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .busi import Sections
from .splitting import split_groups

TN3K_IMAGES, TN3K_MASKS, TN3K_FOLD = "trainval-image", "trainval-mask", "tn3k-trainval-fold0.json"


def is_tn3k(folder: Path) -> bool:
    """Whether a folder holds ``trainval-image/``."""
    return (folder / TN3K_IMAGES).is_dir()


def tn3k_sections(folder: Path) -> Sections:
    """TN3K: ``trainval-image``, ``trainval-mask``, ``test-image`` and ``test-mask`` with ``<number>.jpg``.

    The authors' first fold (``tn3k-trainval-fold0.json``) says what validates; without it, a quarter does. The set
    names no patients: each image is a group of its own. There is no pathology.

    Args:
        folder: the folder that holds them.

    Returns:
        Sections ``training``, ``validation`` and, where it is there, ``test``; paths relative to the folder.

    Raises:
        BundleError: an image has no mask, or the fold is no JSON with ``train`` and ``val``.
    """
    items = _items(folder, TN3K_IMAGES, TN3K_MASKS)
    sections = split_groups(items)
    if (folder / TN3K_FOLD).is_file():
        try:
            fold = json.loads((folder / TN3K_FOLD).read_text(encoding="utf-8"))
            numbers = {section: {int(number) for number in fold[name]} for section, name in _FOLDS.items()}
        except (ValueError, KeyError, TypeError):
            raise BundleError(f'{folder.name}/{TN3K_FOLD} holds no "train" and "val". Download it again.') from None
        sections = {
            section: [item for item in items if int(item["group"]) in own] for section, own in numbers.items()
        }
    test = _items(folder, "test-image", "test-mask")
    return {**sections, "test": [{**item, "group": f"test-{item['group']}"} for item in test]} if test else sections


_FOLDS = {"training": "train", "validation": "val"}


def _items(folder: Path, images: str, masks: str) -> list[dict[str, Any]]:
    found = sorted((folder / images).glob("[0-9]*.jpg")) if (folder / images).is_dir() else []
    for path in found:
        if not (folder / masks / path.name).is_file():
            raise BundleError(f'{folder.name} has no "{masks}/{path.name}". Download the set again.')
    return [
        {"image": f"{images}/{path.name}", "label": [f"{masks}/{path.name}"], "group": path.stem} for path in found
    ]
