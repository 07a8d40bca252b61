"""Kinds of files beside DICOM, PNG and JPEG: other pictures, films, and what systems leave behind."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from scripts.data import LoadUltrasoundd, discover, load_datalist
from scripts.data.pictures import read_picture
from scripts.errors import BundleError
from scripts.sites import Classes

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(100)


def outcome(path: Path) -> list[tuple[str, str, str]]:
    load = LoadUltrasoundd(record_failures=True)
    return [(item["input"], item["status"], item["reason"]) for item in map(load, discover(path))]


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WebP", "GIF", "JPEG2000"])
@pytest.mark.parametrize("name", ["scan", "scan.dcm"])
def test_a_picture_is_known_by_its_content(tmp_path, speckle, kind, name):
    options = {"lossless": True} if kind == "WebP" else {}
    Image.fromarray(speckle).save(tmp_path / name, kind, **options)
    assert outcome(tmp_path) == [(name, "ok", "")]
    image = LoadUltrasoundd()({"image": str(tmp_path / name)})["image"].numpy()
    np.testing.assert_allclose(image, np.stack([speckle / 255] * len(image)), atol=1e-6)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WebP", "PNG"])
def test_pages_and_animations_are_cines(tmp_path, speckle, kind):
    frames = [speckle, speckle[::-1], speckle[:, ::-1]]
    first, *others = (Image.fromarray(frame) for frame in frames)
    options = {"lossless": True} if kind == "WebP" else {}
    first.save(tmp_path / "cine", kind, save_all=True, append_images=others, **options)
    items = discover(tmp_path)
    assert [item["frame"] for item in items] == [0, 1, 2]
    for item, frame in zip(items, frames, strict=True):
        np.testing.assert_allclose(LoadUltrasoundd()(item)["image"][0].numpy(), frame / 255, atol=1e-6)
    (middle,) = discover(tmp_path, "middle")
    assert (middle["frame"], middle["reason"]) == (1, "CINE_LIMIT 1 of 3 frames")


@pytest.mark.parametrize(
    "head",
    [
        b"RIFF\x24\x00\x00\x00AVI LIST",
        b"\x00\x00\x00\x18ftypmp42",
        b"\x00\x00\x00\x14ftypqt  ",
        b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat",
        b"\x1a\x45\xdf\xa3\x01\x00\x00\x00",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
    ],
)
def test_a_film_says_what_to_do(tmp_path, head):
    (tmp_path / "cine").write_bytes(head + bytes(600))
    assert outcome(tmp_path) == [("cine", "skipped", "FILM export the cine as DICOM, or its frames as PNG")]


def test_companion_files_are_skipped(tmp_path, speckle):
    Image.fromarray(speckle).save(tmp_path / "scan.png")
    names = ["._scan.png", ".DS_Store", "Thumbs.db", "desktop.ini", "@eaDir/scan.png/thumb.jpg", "__MACOSX/._scan.dcm"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(APPLE_DOUBLE)
    Image.fromarray(speckle).save(tmp_path / names[4])
    expected = dict.fromkeys(names, ("skipped", "COMPANION_FILE")) | {"scan.png": ("ok", "")}
    assert {name: (status, reason) for name, status, reason in outcome(tmp_path)} == expected


CLASSES = Classes(("benign", "malignant"), "malignant")


def busi_folder(folder: Path, speckle: np.ndarray) -> Path:
    (folder / "benign").mkdir()
    for number in range(1, 5):
        noise = np.random.default_rng(number).integers(0, 256, speckle.shape, dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"benign/benign ({number}).png")
        Image.fromarray(np.eye(96, 80, dtype=np.uint8)).save(folder / f"benign/benign ({number})_mask.png")
    return folder


def test_a_busi_folder_that_a_mac_has_copied(tmp_path, speckle):
    clean = load_datalist(busi_folder(tmp_path, speckle), "training", CLASSES)
    for path in list((tmp_path / "benign").iterdir()):
        path.with_name(f"._{path.name}").write_bytes(APPLE_DOUBLE)
    (tmp_path / "benign/.DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (tmp_path / "._bus_data.csv").write_bytes(APPLE_DOUBLE)
    assert load_datalist(tmp_path, "training", CLASSES) == clean and len(clean) == 3


def test_an_unreadable_image_of_a_layout_or_list_is_one_sentence(tmp_path, speckle):
    busi_folder(tmp_path, speckle)
    (tmp_path / "benign/benign (2).png").write_bytes(b"no picture")
    with pytest.raises(BundleError, match=r'^".*benign \(2\)\.png" cannot be read: PIXEL_DECODE_FAILED'):
        load_datalist(tmp_path, "training", CLASSES)
    item = {"image": "benign/benign (2).png", "label": "benign/benign (2)_mask.png", "diagnosis": "benign"}
    (tmp_path / "datalist.json").write_text(json.dumps({"training": [item]}))
    with pytest.raises(BundleError, match=r'^".*benign \(2\)\.png" is not a readable image \(PIXEL_DECODE_FAILED'):
        load_datalist(tmp_path, "training", CLASSES)


def with_chunk(path: Path, name: bytes, data: bytes, damaged: bool = False) -> None:
    whole = path.read_bytes()
    checksum = zlib.crc32(name + data) ^ damaged
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
    path.write_bytes(whole[:33] + chunk + whole[33:])  # after the header


@pytest.mark.parametrize("kind", ["text", "compressed text", "profile", "damaged text", "damaged orientation"])
def test_no_metadata_costs_a_png(tmp_path, speckle, kind):
    path, text = tmp_path / "scan.png", "a long report " * 150_000
    info = PngImagePlugin.PngInfo()
    if kind in ("text", "compressed text"):
        info.add_text("Comment", text, zip=kind != "text")
    Image.fromarray(speckle).save(path, pnginfo=info)
    if kind == "profile":
        with_chunk(path, b"iCCP", b"icc\x00\x00" + zlib.compress(text.encode()))
    if kind.startswith("damaged"):
        with_chunk(path, b"tEXt" if kind == "damaged text" else b"eXIf", b"MM\x00*" + bytes(9), damaged=True)
    np.testing.assert_array_equal(read_picture(str(path)), speckle)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    marker=st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE]),
    lead=st.sampled_from([b"", b"Exif\0\0MM\0*\0\0\0\x08", b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"Adobe\0", b"MPF\0"]),
    rest=st.binary(max_size=60),
)
def test_no_segment_costs_a_jpeg(tmp_path, speckle, marker, lead, rest):
    path = tmp_path / "scan"
    Image.fromarray(speckle).save(path, "JPEG")
    pixels, whole = read_picture(str(path)), path.read_bytes()
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(lead + rest) + 2) + lead + rest
    path.write_bytes(whole[:2] + segment + whole[2:])
    np.testing.assert_array_equal(np.sort(read_picture(str(path)).ravel()), np.sort(pixels.ravel()))


def test_one_odd_tag_costs_neither_the_image_nor_its_orientation(tmp_path, speckle):
    """A text where the tag ``Make`` promises one, but longer than the file."""
    entries = [(0x010F, 2, 10**6, 900), (0x0112, 3, 1, 3 << 16), (0x829A, 99, 7, 1)]
    table = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(entries)) + table + bytes(4)
    Image.fromarray(speckle).save(tmp_path / "scan.jpg", exif=exif, quality=95)
    difference = read_picture(str(tmp_path / "scan.jpg")).astype(int) - np.rot90(speckle, 2)
    assert np.abs(difference).mean() < 3
