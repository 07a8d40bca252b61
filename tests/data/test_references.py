"""Reference images are paired with their masks, or the one that lacks something is named."""

from pathlib import Path

import pytest

from scripts.data.references import find_references
from scripts.errors import BundleError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, one of them with the masks of two lesions."""
    for name in ("a.png", "a_mask.png", "a_mask_1.png", "b.jpg", "b_mask.png"):
        (tmp_path / name).touch()
    return tmp_path


def test_masks_are_found_beside_their_images(folder: Path) -> None:
    one, two = find_references(folder)
    assert one == {"image": str(folder / "a.png"), "label": [str(folder / "a_mask.png"), str(folder / "a_mask_1.png")]}
    assert find_references([str(folder / "b.jpg")]) == [two]


def test_named_masks_go_with_the_images_in_their_order(folder: Path) -> None:
    images, masks = [folder / "b.jpg", folder / "a.png"], [folder / "b_mask.png", folder / "a_mask_1.png"]
    pairs = find_references(images, masks)
    assert [(pair["image"], pair["label"]) for pair in pairs] == [
        (str(image), [str(mask)]) for image, mask in zip(images, masks, strict=True)
    ]


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / "b_mask.png").unlink()
    with pytest.raises(BundleError, match='b.jpg" has no mask: put "b_mask.png" beside it'):
        find_references(folder)
    with pytest.raises(BundleError, match="2 reference images, but 1 masks"):
        find_references([folder / "a.png", folder / "b.jpg"], folder / "a_mask.png")
    with pytest.raises(BundleError, match='c.png" does not exist'):
        find_references(folder / "c.png")
    (folder / "empty").mkdir()
    with pytest.raises(BundleError, match="holds no image"):
        find_references(folder / "empty")
