"""References of a run: read from a file, or registered from images with masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import nn

from scripts.data.references import Paths, find_references
from scripts.errors import BundleError
from scripts.networks.one_shot import Reference, read_reference, register_references
from scripts.sites import Classes, Site

#: Of a file that ``run register`` wrote.
SUFFIX = ".pt"


def take_reference(
    network: nn.Module,
    reference: Paths | None,
    masks: Paths | None,
    transform: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    image_size: int,
    gray: bool,
    ridge: float,
) -> Reference | None:
    """What a run is shown; None where nothing is named.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, weights loaded.
        reference: a file of :func:`write_reference`, or images: one, several, or a folder.
        masks: one for each image; None looks beside it.
        transform: from an item with ``image`` and ``label``, paths, to both as tensors of S x S pixels.
        image_size: S.
        gray: whether the transform reduces colour to its luma.
        ridge: see :func:`scripts.networks.one_shot.features.fit_discriminant`.

    Raises:
        BundleError: a file is missing or unreadable, a mask is empty, covers everything or has
            another size than its image, an image is gray where colour is read, or the file is of other weights.
    """
    if reference is None:
        return None
    if isinstance(reference, (str, Path)) and Path(reference).suffix == SUFFIX:
        return read_reference(reference, network, image_size, gray)
    images, drawn = [], []
    for pair in find_references(reference, masks):
        item = transform(pair)
        image, mask = (convert_to_tensor(item[key], torch.float32, track_meta=False) for key in ("image", "label"))
        mask = (mask > 0).float()
        if not mask.any():
            raise BundleError(f'The mask of the reference "{pair["image"]}" is empty or too small; draw its lesion.')
        images.append(image)
        drawn.append(mask)
    return register_references(network, torch.stack(images), torch.stack(drawn), gray, ridge)


def write_reference(reference: Reference | None, output_dir: str | Path) -> dict[str, Any]:
    """Write ``reference.pt``.

    Returns:
        What there is to say of it.

    Raises:
        BundleError: nothing was named.
    """
    if reference is None:
        raise BundleError("No reference was named: give images with masks as --reference.")
    path = reference.save(Path(output_dir) / f"reference{SUFFIX}")
    return {
        "images": reference.images,
        "read": "in gray" if reference.gray else "in colour",
        "size": f"{path.stat().st_size / 1000:.0f} kB",
        "results": f"reference{SUFFIX} in the output folder; give it to inference as --reference",
    }


def without_diagnosis(site: Site) -> Site:
    """The site of a run with a reference, which shows what a lesion looks like, but not what it is."""
    return replace(site, classes=Classes(none=site.classes.none, absent=site.classes.absent))
