"""PNG, JPEG, NIfTI and arrays arrive as rows x columns in [0, 1]."""

from __future__ import annotations

import struct
import zlib

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from scripts.data import EnsureThreeChannelsd, LoadUltrasoundd
from scripts.errors import BundleError


def load(entry: object) -> tuple[np.ndarray, dict]:
    item = LoadUltrasoundd()({"image": entry})
    assert item["image"].dtype == torch.float32
    return item["image"].numpy(), item["source"]


@pytest.mark.parametrize("mode, channels", [("L", 1), ("RGB", 3), ("P", 3), ("LA", 1), ("RGBA", 3), ("1", 1)])
def test_png_modes(tmp_path, speckle, mode, channels):
    picture = Image.fromarray(speckle).convert(mode)
    picture.save(tmp_path / "image.png")
    image, source = load(str(tmp_path / "image.png"))
    expected = np.asarray(picture.convert("L")) / 255
    np.testing.assert_allclose(image, np.stack([expected] * channels), atol=1e-6)
    assert source == {
        "kind": "picture", "rows": 96, "columns": 80, "crop": [0, 0, 96, 80],
        "spacing": [], "spacing_provenance": "unknown", "color_flow": False,
    }  # fmt: skip


def test_16_bit_png(tmp_path, speckle):
    deep = speckle.astype(np.uint16) * 256 + 7
    Image.fromarray(deep).save(tmp_path / "image.png")
    np.testing.assert_allclose(load(str(tmp_path / "image.png"))[0], deep[None] / 65535, atol=1e-6)


def test_transparency_is_laid_on_black(tmp_path, speckle):
    color = np.stack([speckle, speckle // 2, speckle, np.full_like(speckle, 51)], axis=-1)
    Image.fromarray(color).save(tmp_path / "image.png")
    expected = color[..., :3].transpose(2, 0, 1) / 255 * 0.2
    np.testing.assert_allclose(load(str(tmp_path / "image.png"))[0], expected, atol=1 / 255)


@pytest.mark.parametrize("color", [False, True])
def test_jpeg_is_turned_upright(tmp_path, color):
    rows, columns = np.mgrid[:96, :80]
    upright = np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8) if color else rows.astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to show
    Image.fromarray(np.rot90(upright)).save(tmp_path / "image.jpg", quality=95, subsampling=0, exif=exif)
    image, source = load(str(tmp_path / "image.jpg"))
    expected = upright.transpose(2, 0, 1) if color else upright[None]
    np.testing.assert_allclose(image, expected / 255, atol=6 / 255)
    assert (source["rows"], source["columns"]) == (96, 80)


def test_suffixes_do_not_count(tmp_path, speckle):
    Image.fromarray(speckle).save(tmp_path / "image.dcm", format="PNG")
    assert load(str(tmp_path / "image.dcm"))[0].shape == (1, 96, 80)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
@pytest.mark.parametrize("middle", [(), (1,), (3,), (1, 3), (1, 1, 3), "records"])
def test_nifti_of_any_rank(tmp_path, speckle, suffix, middle):
    columns_first = speckle.T
    if middle == "records":
        data = np.zeros(columns_first.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
        data["R"], data["G"], data["B"] = columns_first, columns_first // 2, columns_first
    elif 3 in middle:
        color = np.stack([columns_first, columns_first // 2, columns_first], axis=-1)
        data = color.reshape(80, 96, *middle)
    else:
        data = columns_first.reshape(80, 96, *middle)
    nibabel.Nifti1Image(data, np.diag([0.2, 0.3, 1.0, 1.0]), dtype=data.dtype).to_filename(tmp_path / f"image.{suffix}")
    image, source = load(str(tmp_path / f"image.{suffix}"))
    three = middle == "records" or 3 in middle
    expected = np.stack([speckle, speckle // 2, speckle]) if three else speckle[None]
    np.testing.assert_allclose(image, expected / 255, atol=1e-6)
    assert source["spacing"] == pytest.approx([0.3, 0.2])
    assert source["spacing_provenance"] == "pixel_spacing"


def test_nifti_affine_follows_the_swapped_axes(tmp_path, speckle):
    affine = np.array([[-0.2, 0, 0, 5], [0, -0.3, 0, 7], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    nibabel.Nifti1Image(speckle.T, affine).to_filename(tmp_path / "image.nii")
    image = LoadUltrasoundd()({"image": str(tmp_path / "image.nii")})["image"]
    row, column = 11, 4
    np.testing.assert_allclose((image.affine.numpy() @ [row, column, 0, 1]), affine @ [column, row, 0, 1])


def test_a_nifti_volume_is_refused(tmp_path):
    nibabel.Nifti1Image(np.zeros((80, 96, 7), np.uint8), np.eye(4)).to_filename(tmp_path / "image.nii")
    with pytest.raises(BundleError, match=r'image\.nii" cannot be read: UNUSABLE_IMAGE a volume'):
        load(str(tmp_path / "image.nii"))


@pytest.mark.parametrize("scale, dtype", [(1, np.uint8), (1, np.float32), (1 / 255, np.float32), (16, np.int16)])
def test_loaded_arrays_in_the_layouts_of_monai_readers(speckle, scale, dtype):
    """Columns first, as MONAI's readers give them; channel first, as images are here."""
    values = (speckle.astype(np.float64) * scale).astype(dtype)
    white = {1: 255, 16: 4095}.get(scale, 1)
    expected = values[None].astype(np.float64) / white
    for layout in (values.T, values.T[..., None], values[None]):
        np.testing.assert_allclose(load(layout)[0], expected, atol=1e-6)
    np.testing.assert_allclose(load(MetaTensor(torch.tensor(values.T.copy())))[0], expected, atol=1e-6)
    color = np.stack([values] * 3, axis=-1).swapaxes(0, 1)
    for layout in (color, color[:, :, None], color[:, :, None, None]):
        np.testing.assert_allclose(load(layout)[0], np.concatenate([expected] * 3), atol=1e-6)


def test_three_equal_channels():
    gray = torch.rand(1, 5, 4)
    color = torch.stack([torch.full((5, 4), value) for value in (1.0, 0.5, 0.0)])
    ensure = EnsureThreeChannelsd("image")
    assert torch.equal(ensure({"image": gray})["image"], gray.repeat(3, 1, 1))
    equal = gray.repeat(3, 1, 1)
    assert ensure({"image": equal})["image"] is equal
    torch.testing.assert_close(ensure({"image": color})["image"], torch.full((3, 5, 4), 0.299 + 0.5 * 0.587))


def test_a_picture_that_claims_too_many_pixels_is_not_decoded(tmp_path, speckle):
    Image.fromarray(speckle).save(tmp_path / "image.png")
    data = bytearray((tmp_path / "image.png").read_bytes())
    data[16:24] = struct.pack(">II", 9000, 9000)  # width and height, then their checksum
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "image.png").write_bytes(data)
    with pytest.raises(BundleError, match="UNUSABLE_IMAGE more than"):
        load(str(tmp_path / "image.png"))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_a_broken_picture_is_one_sentence_without_a_library_s_words(tmp_path, content):
    (tmp_path / "image.png").write_bytes(content)
    with pytest.raises(BundleError, match=r"^\".*image\.png\" cannot be read: [A-Z_]+\. Replace it") as error:
        load(str(tmp_path / "image.png"))
    assert error.value.__suppress_context__
