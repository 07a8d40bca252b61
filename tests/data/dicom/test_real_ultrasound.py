"""Real ultrasound files, as far as pydicom and pydicom-data carry them."""

from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from scripts.data import LoadUltrasoundd, discover
from scripts.data.dicom import decoding

ONE_REGION = (721, 997), 0.25476696592378156
PHILIPS = (459, 680), 0.26228787661969977
DUAL = (392, 304), 0.3826530650258064
UNKNOWN = None

# name: rows of the work list, shape and spacing of the image, how its reason begins
FILES = {
    "JPGLosslessP14SV1_1s_1f_8b.dcm": (1, *ONE_REGION, ""),
    "OBXXXX1A.dcm": (1, *PHILIPS, ""),
    "OBXXXX1A_2frame.dcm": (2, *PHILIPS, ""),
    "OBXXXX1A_expb.dcm": (1, *PHILIPS, ""),
    "OBXXXX1A_expb_2frame.dcm": (2, *PHILIPS, ""),
    "OBXXXX1A_rle.dcm": (1, *PHILIPS, ""),
    "OBXXXX1A_rle_2frame.dcm": (2, *PHILIPS, ""),
    "US1_J2KI.dcm": (1, (480, 640), UNKNOWN, "COLOR_FLOW"),
    "US1_J2KR.dcm": (1, (480, 640), UNKNOWN, "COLOR_FLOW"),
    "US1_UNCR.dcm": (1, (480, 640), UNKNOWN, "COLOR_FLOW"),
    "color-pl.dcm": (1, (120, 256), UNKNOWN, "COLOR_FLOW"),
    "color-px.dcm": (1, (120, 256), UNKNOWN, "COLOR_FLOW"),
    "color3d_jpeg_baseline.dcm": (120, (384, 512), 0.5104970559477806, ""),
    "gdcm-US-ALOKA-16.dcm": (2, *DUAL, "MULTIPLE_REGIONS"),
    "gdcm-US-ALOKA-16_big.dcm": (2, *DUAL, "MULTIPLE_REGIONS"),
    "examples_jpeg2k.dcm": (1, (480, 640), UNKNOWN, "COLOR_FLOW"),
    "examples_palette.dcm": (1, (350, 800), UNKNOWN, "SPACING_UNKNOWN the regions do not fit"),
    "examples_rgb_color.dcm": (1, (240, 320), UNKNOWN, "COLOR_FLOW"),
    "examples_ybr_color.dcm": (30, (240, 320), UNKNOWN, "SPACING_UNKNOWN the regions do not fit"),
}
SAME_PICTURE = [
    ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm"),
    ("OBXXXX1A.dcm", "OBXXXX1A_rle.dcm"),
    ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"),
    ("US1_UNCR.dcm", "US1_J2KR.dcm"),
    ("color-pl.dcm", "color-px.dcm"),
]


def real_file(name: str) -> str:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} needs the package pydicom-data")
    return str(path)


def load_first(name: str) -> dict:
    return LoadUltrasoundd(record_failures=True)(discover(real_file(name))[0])


@pytest.mark.parametrize("name", FILES)
def test_real_file(name):
    rows, shape, millimetres, reason = FILES[name]
    items = discover(real_file(name))
    assert len(items) == rows
    item = LoadUltrasoundd(record_failures=True)(items[0])
    assert item["status"] == "ok"
    assert item["reason"].startswith(reason) and (reason or not item["reason"])
    assert tuple(item["image"].shape[1:]) == shape
    assert item["image"].std() > 0.03
    assert item["source"]["spacing"] == ([] if millimetres is None else pytest.approx([millimetres, millimetres]))


@pytest.mark.parametrize("one, other", SAME_PICTURE)
def test_one_picture_in_two_encodings(one, other):
    np.testing.assert_array_equal(load_first(one)["image"].numpy(), load_first(other)["image"].numpy())


def test_a_thumbnail_is_unusable():
    assert discover(real_file("ExplVR_BigEnd.dcm"))[0]["reason"].startswith("UNUSABLE_IMAGE")


def test_a_cine_is_read_one_frame_at_a_time():
    """All 120 frames are 110 MB as stored and 442 MB as float32; neither process ever holds more than one."""
    items = discover(real_file("color3d_jpeg_baseline.dcm"))
    load = LoadUltrasoundd(record_failures=True)
    load(items[0])
    child = decoding._decoder(os.getpid())._child.pid
    before = peak_kilobytes(child)
    tracemalloc.start()
    assert all(load(item)["status"] == "ok" for item in items[::8])
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert peak_kilobytes(child) - before < 10_000


def peak_kilobytes(process: int) -> int:
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("needs /proc to measure another process's memory")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
