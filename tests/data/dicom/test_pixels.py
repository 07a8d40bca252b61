"""Stored values become the picture that the standard describes, in every encoding."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from scripts.data import LoadUltrasoundd


def load(path: str) -> np.ndarray:
    return LoadUltrasoundd()({"image": path})["image"].numpy()


def assert_shows(path: str, expected: np.ndarray, atol: float = 1e-6) -> None:
    image = load(path)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, expected, atol=atol)


def table(count: int, first: int, bits: int, data: object, vr: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [count % 65536, first, bits])
    item.add_new("LUTData", vr, data)
    return item


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize("bits", [8, 16])
def test_native_gray(make_dicom, save_dicom, speckle, syntax, bits):
    pixels = speckle if bits == 8 else speckle.astype(np.uint16) * 200
    dataset = make_dicom(pixels, syntax)
    if bits == 8 and syntax == ExplicitVRBigEndian:
        dataset["PixelData"].VR = "OB"
    assert_shows(save_dicom(dataset), pixels[None] / (2**bits - 1))


def test_a_bare_data_set_is_read(make_dicom, tmp_path, speckle):
    dataset = make_dicom(speckle)
    del dataset.file_meta
    dataset.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True)
    assert_shows(str(tmp_path / "bare"), speckle[None] / 255)


@pytest.mark.parametrize(
    "elements", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}]
)
def test_inverse_gray(make_dicom, save_dicom, speckle, elements):
    assert_shows(save_dicom(make_dicom(speckle, **elements)), 1 - speckle[None] / 255)


def test_gray_is_scaled_by_its_bits_and_not_by_its_content(make_dicom, save_dicom, speckle):
    dataset = make_dicom(speckle.astype(np.uint16), BitsStored=12, HighBit=11)
    assert_shows(save_dicom(dataset), speckle[None] / 4095)


def test_signed_gray(make_dicom, save_dicom, speckle):
    dataset = make_dicom(speckle.astype(np.int16) - 100, BitsStored=10, HighBit=9)
    assert_shows(save_dicom(dataset), (speckle[None] - 100.0 + 512) / 1023)


def test_window(make_dicom, save_dicom, speckle):
    # PS3.3 C.11.2.1.2.1 with c = 80, w = 41: y = (x - 79.5) / 40 + 0.5
    dataset = make_dicom(speckle, WindowCenter=["80", "10"], WindowWidth=["41", "5"])
    assert_shows(save_dicom(dataset), np.clip((speckle[None] - 79.5) / 40 + 0.5, 0, 1))


def test_window_after_rescale(make_dicom, save_dicom, speckle):
    elements = {"RescaleSlope": "2", "RescaleIntercept": "-10", "VOILUTFunction": "LINEAR_EXACT"}
    dataset = make_dicom(speckle, WindowCenter="100", WindowWidth="150", **elements)
    assert_shows(save_dicom(dataset), np.clip((2.0 * speckle[None] - 10 - 100) / 150 + 0.5, 0, 1))


def test_sigmoid_window(make_dicom, save_dicom, speckle):
    dataset = make_dicom(speckle, WindowCenter="80", WindowWidth="60", VOILUTFunction="SIGMOID")
    assert_shows(save_dicom(dataset), 1 / (1 + np.exp(-4 * (speckle[None] - 80.0) / 60)))


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_voi_table_of_more_entries_than_its_values_count(make_dicom, save_dicom, speckle, vr):
    """4096 entries of 8 bits: indexing in the table's own type, as pydicom does, would overflow."""
    entries = (np.arange(4096) // 16).astype(np.uint16)[::-1]
    data = entries.tolist() if vr == "US" else entries.astype("<u2").tobytes()
    pixels = speckle.astype(np.uint16) * 20
    dataset = make_dicom(pixels, BitsStored=12, HighBit=11, VOILUTSequence=[table(4096, 0, 8, data, vr)])
    assert_shows(save_dicom(dataset), entries[pixels][None] / 255)


def test_modality_table_then_window(make_dicom, save_dicom, speckle):
    entries = np.arange(256)[::-1] * 4
    dataset = make_dicom(
        speckle, ModalityLUTSequence=[table(256, 0, 10, entries.tolist())], WindowCenter="512", WindowWidth="513"
    )
    assert_shows(save_dicom(dataset), np.clip((entries[speckle][None] - 511.5) / 512 + 0.5, 0, 1))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ExplicitVRBigEndian])
@pytest.mark.parametrize("bits, scale", [(16, 257), (16, 1), (8, 1)])
def test_palette(make_dicom, save_dicom, speckle, syntax, bits, scale):
    """16-bit tables, 16-bit tables that hold 8-bit values, and 8-bit tables packed two to a word."""
    ramps = [np.arange(256), np.arange(256)[::-1], np.arange(256) // 2]
    dataset = make_dicom(speckle, syntax, PhotometricInterpretation="PALETTE COLOR")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    for color, ramp in zip(("Red", "Green", "Blue"), ramps, strict=True):
        dataset.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [256, 0, bits])
        words = (ramp * scale).astype("<u2") if bits == 16 else ramp.astype(np.uint8).view("<u2")
        dataset.add_new(f"{color}PaletteColorLookupTableData", "OW", words.astype(order + "u2").tobytes())
    assert_shows(save_dicom(dataset), np.stack([ramp[speckle] for ramp in ramps]) / 255)


def test_palette_that_begins_late(make_dicom, save_dicom, speckle):
    """Indices before the first mapped one take the first entry, those after the last take the last."""
    dataset = make_dicom(speckle, PhotometricInterpretation="PALETTE COLOR")
    for color in ("Red", "Green", "Blue"):
        dataset.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [64, 50, 16])
        dataset.add_new(f"{color}PaletteColorLookupTableData", "OW", (np.arange(64) * 1000).astype("<u2").tobytes())
    expected = np.clip(speckle.astype(int) - 50, 0, 63) * 1000 / 65535
    assert_shows(save_dicom(dataset), np.stack([expected] * 3))


def color_of(speckle: np.ndarray) -> np.ndarray:
    return np.stack([speckle, 255 - speckle, speckle // 2], axis=-1)


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb(make_dicom, save_dicom, speckle, planar):
    color = color_of(speckle)
    data = (color.transpose(2, 0, 1) if planar else color).tobytes()
    dataset = make_dicom(color, PlanarConfiguration=planar, PixelData=data)
    assert_shows(save_dicom(dataset), color.transpose(2, 0, 1) / 255)


@pytest.mark.parametrize("kind", ["YBR_FULL", "YBR_FULL_422"])
def test_native_ybr(make_dicom, save_dicom, speckle, kind):
    gray = np.stack([speckle, np.full_like(speckle, 128), np.full_like(speckle, 128)], axis=-1)
    dataset = make_dicom(gray, PhotometricInterpretation=kind)
    if kind == "YBR_FULL_422":  # Y1 Y2 Cb Cr
        pairs = np.full((96, 40, 4), 128, np.uint8)
        pairs[..., :2] = speckle.reshape(96, 40, 2)
        dataset.PixelData = pairs.tobytes()
    assert_shows(save_dicom(dataset), np.stack([speckle] * 3) / 255, atol=1.5 / 255)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1])
@pytest.mark.parametrize("kind", ["gray", "gray16", "color"])
def test_lossless_compression(make_dicom, save_dicom, compress_with_gdcm, speckle, syntax, kind):
    pixels = {"gray": speckle, "gray16": speckle.astype(np.uint16) * 200, "color": color_of(speckle)}[kind]
    dataset = make_dicom(pixels)
    if syntax == JPEGLosslessSV1:
        path = compress_with_gdcm(save_dicom(dataset))
    else:
        dataset.compress(syntax, generate_instance_uid=False)
        path = save_dicom(dataset)
    expected = pixels.transpose(2, 0, 1) if kind == "color" else pixels[None]
    assert_shows(path, expected / np.iinfo(pixels.dtype).max)


@pytest.mark.parametrize("kind", ["MONOCHROME2", "YBR_FULL_422", "RGB"])
def test_jpeg_baseline(make_dicom, save_dicom, kind):
    """Also when a file calls RGB what is YCbCr inside: the stream's own marker counts."""
    rows, columns = np.mgrid[:96, :80]
    smooth = (rows + columns).astype(np.uint8)
    pixels = smooth if kind == "MONOCHROME2" else np.stack([smooth, 200 - smooth, smooth // 2], axis=-1)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0)
    dataset = make_dicom(pixels, PhotometricInterpretation=kind, PixelData=encapsulate([stream.getvalue()]))
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    expected = pixels[None] if kind == "MONOCHROME2" else pixels.transpose(2, 0, 1)
    assert_shows(save_dicom(dataset), expected / 255, atol=4 / 255)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLELossless, ExplicitVRBigEndian])
def test_each_frame_of_a_cine(make_dicom, save_dicom, speckle, syntax):
    frames = np.stack([speckle, speckle[::-1], speckle[:, ::-1]])
    dataset = make_dicom(frames, ExplicitVRBigEndian if syntax == ExplicitVRBigEndian else "1.2.840.10008.1.2.1")
    if syntax == RLELossless:
        dataset.compress(syntax, generate_instance_uid=False)
    path = save_dicom(dataset)
    for number, frame in enumerate(frames):
        image = LoadUltrasoundd()({"image": path, "frame": number})["image"].numpy()
        np.testing.assert_allclose(image[0], frame / 255, atol=1e-6)
