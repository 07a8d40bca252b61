"""A folder of mask files, each named like its image."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from scripts.data.companions import is_companion
from scripts.data.mask_files import read_mask
from scripts.errors import BundleError

from .drawings import AnnotatedImage, Drawing, Shape

#: ``a_mask.png`` and ``a_mask_1.png`` are masks of ``a``.
_ADDED = re.compile(r"(?i)_mask(_\d+)?(?=(\.\w+){1,2}$|$)")


def read_mask_folder(folder: Path) -> list[AnnotatedImage]:
    """The images that a folder holds masks of; an empty mask says that there is no lesion.

    Args:
        folder: searched through all sub-folders, one of which may be named after a diagnosis.

    Raises:
        BundleError: there is no file in it.
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = is_companion(name) or name.name.startswith(".")
        if path.is_file() and not hidden and name.suffix.lower() not in (".json", ".csv", ".txt", ".md"):
            files[_ADDED.sub("", name.as_posix())].append(path)
    if not files:
        raise BundleError(f'"{folder}" holds no mask. Check --annotations.')
    return [
        AnnotatedImage(name, f'The mask "{paths[0].name}"', None, tuple(_drawing(path) for path in paths))
        for name, paths in files.items()
    ]


def _drawing(path: Path) -> Drawing:
    where = f'The mask "{path.name}"'

    def fill(shape: Shape) -> np.ndarray:
        mask = read_mask(path)
        if mask.shape != shape:
            raise BundleError(
                f"{where} has {mask.shape[0]} rows x {mask.shape[1]} columns, but its image has {shape[0]} x "
                f"{shape[1]}. Replace one of them."
            )
        return mask

    return Drawing(path.parent.name, where, fill)
