"""What counts as drawn in a mask: index, channel, value or alpha, whatever the file is called."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scripts.data import LoadMaskUniond, read_mask
from scripts.data.image_size import image_size
from scripts.errors import BundleError

ROWS, COLUMNS = 24, 17
LESION = np.zeros((ROWS, COLUMNS), bool)
LESION[5:14, 3:9] = True


def paint(inside: object, outside: object, dtype: type = np.uint8) -> np.ndarray:
    """The lesion in one value or colour, its surroundings in another."""
    where = LESION if np.ndim(inside) == 0 else LESION[..., None]
    return np.where(where, np.asarray(inside, dtype), np.asarray(outside, dtype))


def palette(colors: list[tuple[int, int, int]]) -> Image.Image:
    picture = Image.fromarray(LESION.astype(np.uint8), "P")
    picture.putpalette([value for color in colors for value in color])
    return picture


KINDS = {
    "plain": Image.fromarray(paint(255, 0)),
    "numbered": Image.fromarray(paint(1, 0)),
    "1 bit": Image.fromarray(LESION),
    "16 bit, 1": Image.fromarray(paint(1, 0, np.uint16)),
    "16 bit, 256": Image.fromarray(paint(256, 0, np.uint16)),
    "palette of classes": palette([(0, 0, 0), (0, 0, 1)]),
    "palette on white": palette([(255, 255, 255), (0, 0, 0)]),
    "class 1 in blue": Image.fromarray(paint([0, 0, 1], [0, 0, 0])),
    "black in alpha": Image.fromarray(paint([0, 0, 0, 255], [0, 0, 0, 0])),
    "white in alpha": Image.fromarray(paint([255, 255, 255, 255], [255, 255, 255, 0])),
    "half red in alpha": Image.fromarray(paint([255, 0, 0, 128], [0, 0, 0, 0])),
    "gray in alpha": Image.fromarray(paint([0, 90], [0, 0])),
    "opaque colour": Image.fromarray(paint([9, 0, 0, 255], [0, 0, 0, 255])),
    "colour, all transparent": Image.fromarray(paint([9, 0, 0, 0], [0, 0, 0, 0])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_png_holds_the_same_lesion(tmp_path: Path, kind: str) -> None:
    KINDS[kind].save(tmp_path / "mask.dat", "PNG")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.dat"), LESION)
    assert image_size(tmp_path / "mask.dat") == (ROWS, COLUMNS)


def test_of_what_is_seen_only_the_coloured_part_is_drawn(tmp_path: Path) -> None:
    """A transparent frame, an opaque black picture in it, and the lesion in white."""
    layers = paint([255, 255, 255, 255], [0, 0, 0, 255])
    layers[0] = 0
    Image.fromarray(layers).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), LESION)


@pytest.mark.parametrize("high", [0.2, 1.0, 7.0])
def test_floats_above_zero(tmp_path: Path, high: float) -> None:
    Image.fromarray(paint(high, 0, np.float32)).save(tmp_path / "mask.tif")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.tif"), LESION)


def test_the_blur_of_a_jpeg_is_not_drawn_whatever_its_suffix(tmp_path: Path) -> None:
    Image.fromarray(paint(255, 0)).save(tmp_path / "mask.png", "JPEG", quality=60)
    stored = np.asarray(Image.open(tmp_path / "mask.png"))
    assert (stored > 0).sum() > LESION.sum()
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), stored > 127)
    assert (read_mask(tmp_path / "mask.png") != LESION).mean() < 0.02


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume_is_known_by_its_content(tmp_path: Path, packed: bool) -> None:
    name = "whole.nii.gz" if packed else "whole.nii"
    nibabel.Nifti1Image(paint(0.5, 0, np.float32).T, np.eye(4)).to_filename(tmp_path / name)
    (tmp_path / name).rename(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), LESION)
    assert image_size(tmp_path / "mask.png") == (ROWS, COLUMNS)


@pytest.mark.parametrize("picture", [paint(255, 1), paint([1, 1, 1, 255], [1, 1, 1, 255])])
def test_a_mask_that_covers_everything_is_refused_by_name(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "all.png")
    with pytest.raises(BundleError, match=r'^The mask ".*all\.png" covers its whole image'):
        read_mask(tmp_path / "all.png")


def test_an_empty_mask_is_for_an_image_without_lesion(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(paint([255, 255, 255, 0], [255, 255, 255, 0])).save(tmp_path / "none.png")
    item = {"label": [str(tmp_path / "none.png")]}
    assert not LoadMaskUniond()({**item, "diagnosis": "normal"})["label"].any()
    with pytest.raises(BundleError, match=r'^The mask ".*none\.png" is empty, but its image is listed as benign'):
        LoadMaskUniond()({**item, "diagnosis": "benign"})
    assert not caplog.records


@pytest.mark.parametrize("picture, diagnosis, words", [(~LESION, "benign", "inverted"), (LESION, "normal", "shows a")])
def test_an_unlikely_mask_is_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, picture: np.ndarray, diagnosis: str, words: str
) -> None:
    Image.fromarray(picture).save(tmp_path / "odd.png")
    with caplog.at_level(logging.WARNING):
        LoadMaskUniond()({"label": str(tmp_path / "odd.png"), "diagnosis": diagnosis})
    (record,) = caplog.records
    assert words in record.getMessage() and "odd.png" in record.getMessage()


def drawn_as(mode: str, mask: np.ndarray, value: int, deep: int, alpha: bool) -> Image.Image:
    """A mask in one of Pillow's modes; ``value`` 1..255 is the lesion's."""
    if mode == "1":
        return Image.fromarray(mask)
    if mode in ("I;16", "I"):
        return Image.fromarray((mask * deep).astype(np.uint16 if mode == "I;16" else np.int32))
    if mode == "F":
        return Image.fromarray((mask * (value / 255)).astype(np.float32))
    gray = (mask * value).astype(np.uint8)
    if mode in ("L", "P"):
        picture = Image.fromarray(gray, mode)
        if mode == "P":
            picture.putpalette(bytes(np.random.default_rng(value).integers(0, 256, 768, dtype=np.uint8)))
        return picture
    channels = [np.zeros_like(gray) for _ in range(3 if mode.startswith("RGB") else 1)]
    channels[value % len(channels)] = np.full_like(gray, value % 2 * 255) if alpha else gray
    if mode in ("LA", "RGBA"):
        channels.append(gray if alpha else np.full_like(gray, deep % 256))
    return Image.fromarray(np.stack(channels, axis=-1))


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    mode=st.sampled_from(["1", "L", "P", "I;16", "I", "F", "RGB", "LA", "RGBA"]),
    picked=st.sets(st.integers(0, 12 * 9 - 1), min_size=1, max_size=12 * 9 - 1),
    value=st.integers(1, 255),
    deep=st.integers(1, 65535),
    alpha=st.booleans(),
)
def test_any_mask_in_any_mode(tmp_path, mode: str, picked: set[int], value: int, deep: int, alpha: bool) -> None:
    mask = np.zeros(12 * 9, bool)
    mask[list(picked)] = True
    mask = mask.reshape(12, 9)
    picture = drawn_as(mode, mask, value, deep, alpha and mode in ("LA", "RGBA"))
    stream = io.BytesIO()
    picture.save(stream, "TIFF" if mode in ("F", "I") else "PNG")
    (tmp_path / "mask").write_bytes(stream.getvalue())
    np.testing.assert_array_equal(read_mask(tmp_path / "mask"), mask)
