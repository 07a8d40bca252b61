"""Which value means white, where the type of the values does not say: assumed from the values, and noted."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from scripts.data import LoadUltrasoundd

load = LoadUltrasoundd(record_failures=True)


def save_png_16(path: Path, values: np.ndarray) -> None:
    """A PNG of 16 bits: gray, gray with alpha, colour, colour with alpha."""
    rows, columns, *channels = values.shape
    kind = {(): 0, (2,): 4, (3,): 2, (4,): 6}[tuple(channels)]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = {b"IHDR": struct.pack(">IIBBBBB", columns, rows, 16, kind, 0, 0, 0), b"IDAT": zlib.compress(lines)}
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in {**chunks, b"IEND": b""}.items()
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize("channels", [0, 2, 3, 4])
@pytest.mark.parametrize("bits, note", [(8, "255"), (12, "4095"), (16, "")])
def test_few_bits_in_a_16_bit_png(tmp_path, speckle, channels, bits, note):
    white = 2**bits - 1
    gray = np.round(speckle / speckle.max() * white).astype(np.uint16)
    values = np.stack([gray] * channels, axis=-1) if channels else gray
    if channels in (2, 4):
        values[..., -1] = 65535
    save_png_16(tmp_path / "scan.png", values)
    item = load({"image": str(tmp_path / "scan.png")})
    assert (item["status"], item["reason"]) == ("ok", f"SCALE_ASSUMED {note} is taken as white" if note else "")
    np.testing.assert_allclose(item["image"].numpy(), np.stack([gray / white] * len(item["image"])), atol=1e-6)
    assert len(item["image"]) == (3 if channels >= 3 else 1)


@pytest.mark.parametrize("dtype, white", [(np.float32, 1.0), (np.float32, 255.0), (np.int32, 70_000.0)])
def test_tiff_of_32_bits(tmp_path, speckle, dtype, white):
    values = (speckle / speckle.max() * white).astype(dtype)
    Image.fromarray(values).save(tmp_path / "scan.tif")
    item = load({"image": str(tmp_path / "scan.tif")})
    np.testing.assert_allclose(item["image"][0].numpy(), values / white, atol=1e-6)
    assert item["reason"] == ("" if white == 1 else f"SCALE_ASSUMED {white:.0f} is taken as white")


@pytest.mark.parametrize("dtype, white, noted", [(np.uint8, 255, False), (np.int16, 255, True), (np.int16, 4095, True)])
def test_nifti_is_noted_too(tmp_path, speckle, dtype, white, noted):
    values = np.round(speckle / speckle.max() * white).astype(dtype)
    nibabel.Nifti1Image(values.T, np.eye(4)).to_filename(tmp_path / "scan.nii")
    item = load({"image": str(tmp_path / "scan.nii")})
    np.testing.assert_allclose(item["image"][0].numpy(), values / white, atol=1e-6)
    assert item["reason"].startswith("SCALE_ASSUMED") == noted
