"""What the pixel data holds counts, not what the header says of it: frames, identity, colours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from scripts.data import LoadUltrasoundd, discover

NATIVE = "1.2.840.10008.1.2.1"


def load_all(folder: Path, **options) -> list[dict]:
    load = LoadUltrasoundd(record_failures=True)
    return [load(item) for item in discover(folder, **options)]


@pytest.mark.parametrize("syntax", [NATIVE, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("promised", [None, "", 0, 1, 2])
def test_all_frames_that_are_there_are_analysed(make_dicom, save_dicom, tmp_path, speckle, syntax, promised):
    frames = np.stack([speckle, speckle[::-1], speckle[:, ::-1]])
    dataset = make_dicom(frames, syntax if syntax == DeflatedExplicitVRLittleEndian else NATIVE)
    if syntax in (RLELossless, JPEG2000Lossless):
        dataset.compress(syntax, generate_instance_uid=False)
        # Without an offset table, as most devices write.
        fragments = [bytes(part) for part in fragments_of(dataset.PixelData)]
        dataset.PixelData = encapsulate(fragments, has_bot=False)
    dataset.NumberOfFrames = promised
    if promised is None:
        del dataset.NumberOfFrames
    save_dicom(dataset)
    items = load_all(tmp_path)
    assert [item["frame"] for item in items] == [0, 1, 2]
    for item, frame in zip(items, frames, strict=True):
        np.testing.assert_allclose(item["image"][0].numpy(), frame / 255, atol=1e-6)
        assert f"FRAME_COUNT 3 in the pixel data, {'none' if promised in (None, '') else promised} in" in item["reason"]


def fragments_of(data: bytes) -> list[bytes]:
    from pydicom.encaps import generate_frames

    return list(generate_frames(data, number_of_frames=3))


def test_frames_that_are_not_there_do_not_cost_the_others(make_dicom, save_dicom, tmp_path, speckle):
    frames = np.stack([speckle, speckle[::-1], speckle[:, ::-1]])
    save_dicom(make_dicom(frames, NumberOfFrames=4))
    items = load_all(tmp_path)
    assert [item["reason"].split(";")[0] for item in items] == ["FRAME_COUNT 3 in the pixel data, 4 in the header"] * 3
    np.testing.assert_allclose(items[2]["image"][0].numpy(), frames[2] / 255, atol=1e-6)


def test_padding_is_no_frame(make_dicom, save_dicom, tmp_path, speckle):
    dataset = make_dicom(speckle)
    dataset.PixelData += bytes(100)
    save_dicom(dataset)
    assert [item["reason"] for item in discover(tmp_path)] == ["SPACING_UNKNOWN"]


@pytest.mark.parametrize("syntax", [NATIVE, RLELossless, DeflatedExplicitVRLittleEndian])
def test_images_of_one_uid_are_told_apart_by_their_pixels(make_dicom, save_dicom, tmp_path, speckle, syntax):
    for name, pixels in {"a": speckle, "b": speckle[::-1], "copy of a": speckle, "c": speckle[:, ::-1]}.items():
        native = NATIVE if syntax == RLELossless else syntax
        dataset = make_dicom(np.ascontiguousarray(pixels), native, SOPInstanceUID="1.2.3", StudyInstanceUID="1.2")
        dataset.SeriesInstanceUID = "1.2.1"
        if syntax == RLELossless:
            dataset.compress(syntax, generate_instance_uid=False)
        save_dicom(dataset, name)
    save_dicom(make_dicom(speckle), "of its own")
    items = {item["input"]: item for item in discover(tmp_path)}
    assert items["copy of a"]["reason"] == "DUPLICATE"
    different = [items[name] for name in "abc"]
    assert all(item["status"] == "ok" and "UID_REUSED" in item["reason"] for item in different)
    assert len({item["content"] for item in different}) == 3 and all(item["content"] for item in different)
    assert (items["of its own"]["content"], items["of its own"]["reason"]) == ("", "SPACING_UNKNOWN")


ROWS, COLUMNS = np.mgrid[:96, :80]
SMOOTH = (ROWS + COLUMNS).astype(np.uint8)
COLORS = np.stack([SMOOTH, 200 - SMOOTH, SMOOTH // 2], axis=-1)


def stream(kind: str, marker: bool, ids: bytes = b"", subsampling: int = 0) -> bytes:
    """A JPEG of :data:`COLORS` in RGB or YCbCr; without its JFIF or Adobe marker, with other component ids."""
    file = io.BytesIO()
    Image.fromarray(COLORS).save(file, "JPEG", quality=95, subsampling=subsampling, keep_rgb=kind == "RGB")
    data = file.getvalue()
    if not marker:
        at = 2
        while data[at + 1] in (0xE0, 0xEE):
            data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    old = b"RGB" if kind == "RGB" else b"\1\2\3"
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    whole = bytearray(data)
    for before, after in zip(old, ids or old, strict=True):
        for place in [frame + 10 + 3 * i for i in range(3)] + [scan + 5 + 2 * i for i in range(3)]:
            if data[place] == before:
                whole[place] = after
    return bytes(whole)


@pytest.mark.parametrize("label", ["RGB", "YBR_FULL_422", "YBR_FULL"])
@pytest.mark.parametrize(
    "kind, marker, ids, subsampling",
    [
        ("YCbCr", True, b"", 0),
        ("YCbCr", False, b"", 0),
        ("YCbCr", False, b"", 2),
        ("YCbCr", False, b"\0\1\2", 2),
        ("RGB", True, b"", 0),
        ("RGB", False, b"", 0),
    ],
)
def test_a_jpeg_shows_the_colours_of_its_stream(
    make_dicom, save_dicom, tmp_path, label, kind, marker, ids, subsampling
):
    data = stream(kind, marker, ids, subsampling)
    dataset = make_dicom(COLORS, PhotometricInterpretation=label, PixelData=encapsulate([data]))
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    save_dicom(dataset)
    (item,) = load_all(tmp_path)
    atol = (8 if subsampling else 5) / 255
    np.testing.assert_allclose(item["image"].numpy(), COLORS.transpose(2, 0, 1) / 255, atol=atol)
    noted = f"COLOR_LABEL {kind} in the pixel data, {label} in the header"
    assert (noted in item["reason"]) == ((label == "RGB") != (kind == "RGB"))


@pytest.mark.parametrize("label, kind", [("RGB", "RGB"), ("YBR_FULL", "YCbCr")])
def test_a_jpeg_that_says_nothing_of_its_colours_has_those_of_its_label(make_dicom, save_dicom, tmp_path, label, kind):
    data = stream(kind, marker=False, ids=b"\0\1\2")
    dataset = make_dicom(COLORS, PhotometricInterpretation=label, PixelData=encapsulate([data]))
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    save_dicom(dataset)
    (item,) = load_all(tmp_path)
    np.testing.assert_allclose(item["image"].numpy(), COLORS.transpose(2, 0, 1) / 255, atol=5 / 255)
    assert "COLOR_LABEL" not in item["reason"]
