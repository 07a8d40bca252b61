"""DDTI as it is shared with masks, as sections of labelled items."""

from __future__ import annotations

from pathlib import Path

from scripts.errors import BundleError

from .busi import Sections
from .splitting import split_groups

DDTI_IMAGES, DDTI_MASKS = "p_image", "p_mask"


def is_ddti(folder: Path) -> bool:
    """Whether a folder holds ``p_image/`` and ``p_mask/``, or the authors' XML files."""
    return (folder / DDTI_IMAGES).is_dir() or (any(folder.glob("[0-9]*.xml")) and any(folder.glob("[0-9]*_1.jpg")))


def ddti_sections(folder: Path) -> Sections:
    """DDTI: ``p_image/<name>.PNG`` and ``p_mask/<name>.PNG``, as the authors of TN3K share it.

    The first number of a name is the patient's; a quarter of the patients validates. There is no pathology.

    Args:
        folder: the folder that holds both.

    Returns:
        Sections ``training`` and ``validation``; paths relative to the folder.

    Raises:
        BundleError: an image has no mask, or the folder is the authors' own form, whose outlines are XML.
    """
    if not (folder / DDTI_IMAGES).is_dir():
        raise BundleError(
            f"{folder.name} holds DDTI with its outlines as XML, which are no masks. Use the form with {DDTI_IMAGES}/ "
            f"and {DDTI_MASKS}/, or draw the outlines as masks and list them in a datalist.json."
        )
    items = []
    for path in sorted((folder / DDTI_IMAGES).iterdir()):
        if path.suffix.lower() not in (".png", ".jpg"):
            continue
        if not (folder / DDTI_MASKS / path.name).is_file():
            raise BundleError(f'{folder.name} has no "{DDTI_MASKS}/{path.name}". Download the set again.')
        patient = path.stem.split("_")[0]
        items.append(
            {"image": f"{DDTI_IMAGES}/{path.name}", "label": [f"{DDTI_MASKS}/{path.name}"], "group": patient}
        )
    return split_groups(items)
