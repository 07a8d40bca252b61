"""A file or folder of annotations, told apart by what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .coco import read_coco
from .drawings import AnnotatedImage
from .label_studio import read_label_studio
from .mask_folder import read_mask_folder


def read_annotations(path: str | Path) -> list[AnnotatedImage]:
    """Read COCO JSON, Label Studio's JSON or a folder of mask files.

    Returns:
        The annotated images, in the order of the file; what was drawn is filled in when it is asked for.

    Raises:
        BundleError: the file is missing, empty or of another kind, or says nothing of any image.
    """
    path = Path(path)
    if path.is_dir():
        return read_mask_folder(path)
    if not path.is_file():
        raise BundleError(f'"{path}" does not exist. Check --annotations.')
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig") or "null")
    except ValueError as error:
        raise BundleError(f'"{path.name}" is not valid JSON ({error}). Export it anew.') from None
    if not content:
        raise BundleError(f'"{path.name}" is empty. Export the annotations anew.')
    try:
        images = _read(content, path.name)
    except BundleError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BundleError(
            f'"{path.name}" is damaged ({type(error).__name__}: {error}). Export the annotations anew.'
        ) from None
    if not images:
        raise BundleError(f'"{path.name}" holds no annotated image. Annotate some, and export anew.')
    return images


def _read(content: Any, name: str) -> list[AnnotatedImage]:
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        return read_coco(content, name)
    if isinstance(content, list):
        return read_label_studio(content, name)
    raise BundleError(f'"{name}" is neither COCO nor Label Studio\'s JSON. Export in one of these formats.')
