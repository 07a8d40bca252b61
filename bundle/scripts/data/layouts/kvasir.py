"""Kvasir-SEG as its authors publish it, as sections of labelled items."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from scripts.errors import BundleError

from .busi import Sections
from .near_duplicates import near_duplicate_groups
from .splitting import split_groups

KVASIR_TABLE = "kavsir_bboxes.json"  # the authors' spelling


def is_kvasir(folder: Path) -> bool:
    """Whether a folder holds ``kavsir_bboxes.json``, ``images/`` and ``masks/``."""
    return (folder / KVASIR_TABLE).is_file() and all((folder / part).is_dir() for part in ("images", "masks"))


@lru_cache(maxsize=8)
def kvasir_sections(folder: Path) -> Sections:
    """Kvasir-SEG: ``images/<id>.jpg`` and ``masks/<id>.jpg``.

    The set names no patients, and neighbouring frames look alike: near-duplicates form groups, and a quarter of the
    groups validates. There is no diagnosis.

    Args:
        folder: the folder that holds ``images`` and ``masks``.

    Returns:
        Sections ``training`` and ``validation``; paths relative to the folder.

    Raises:
        BundleError: an image has no mask.
    """
    images = sorted(path for path in (folder / "images").iterdir() if path.suffix.lower() in (".jpg", ".png"))
    items = []
    for path, group in zip(images, near_duplicate_groups(images), strict=True):
        mask = folder / "masks" / path.name
        if not mask.is_file():
            raise BundleError(f'{folder.name} has no "masks/{path.name}". Download the set again.')
        items.append({"image": f"images/{path.name}", "label": [f"masks/{path.name}"], "group": images[group].stem})
    return split_groups(items)
