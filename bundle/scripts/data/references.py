"""Reference images with their masks: what a new kind of lesion looks like, shown instead of told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

Paths = str | Path | Sequence[str | Path]


def find_references(images: Paths, masks: Paths | None = None) -> list[dict[str, Any]]:
    """Pair reference images with their masks.

    Args:
        images: one image, several, or a folder of images that have their masks beside them.
        masks: one for each image, in the same order; None looks beside it for ``<name>_mask.*``, and further
            lesions' ``<name>_mask_1.*`` and so on.

    Returns:
        Items with ``image``, a path, and ``label``, a list of paths.

    Raises:
        BundleError: a file does not exist, an image has no mask, or there are more masks than images.
    """
    files = _listed(images)
    if len(files) == 1 and files[0].is_dir():
        folder = files[0]
        files = sorted(path for path in folder.iterdir() if path.is_file() and "_mask" not in path.stem)
        if not files:
            raise BundleError(f'The folder of references "{folder}" holds no image; give images and their masks.')
    for path in files:
        if not path.is_file():
            raise BundleError(f'The reference "{path}" does not exist; check --reference.')
    if masks is None:
        return [{"image": str(path), "label": _beside(path)} for path in files]
    drawn = _listed(masks)
    if len(drawn) != len(files):
        raise BundleError(
            f"There are {len(files)} reference images, but {len(drawn)} masks; give one for each, in the same order."
        )
    return [{"image": str(path), "label": [str(mask)]} for path, mask in zip(files, drawn, strict=True)]


def _listed(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]


def _beside(path: Path) -> list[str]:
    masks = sorted(str(mask) for mask in path.parent.iterdir() if mask.stem.startswith(f"{path.stem}_mask"))
    if not masks:
        raise BundleError(
            f'The reference "{path}" has no mask: put "{path.stem}_mask.png" beside it, or name one with '
            "--reference_masks."
        )
    return masks
