"""Every file has its row, and each odd one the code that names what it is."""

from __future__ import annotations

import os
import socket
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from scripts.data import LoadUltrasoundd, discover
from scripts.data.dicom import header
from scripts.errors import BundleError

STORAGE = "1.2.840.10008.5.1.4.1.1."


def test_every_odd_file_ends_with_its_code(odd_folder, tmp_path):
    load = LoadUltrasoundd(record_failures=True)
    items = [load(item) for item in discover(tmp_path / "in", max_frames=3)]
    assert [item["row"] for item in items] == list(range(len(items)))
    outcomes = {item["input"]: f"{item['status']} {item['reason']}".split(";")[0].split(" ")[:2] for item in items}
    assert {name: " ".join(outcome).strip() for name, outcome in outcomes.items()} == odd_folder
    keys = [(item["input"], item["frame"], item["region"]) for item in items]
    assert len(set(keys)) == len(keys) == len(odd_folder) + 1 + 2  # two regions of the dual view, 3 frames of the cine


def test_a_deflated_file_is_measured_before_it_is_inflated(make_dicom, save_dicom, tmp_path, speckle, monkeypatch):
    monkeypatch.setattr(header, "MAX_PIXELS", 2**20)
    bomb = make_dicom(speckle, DeflatedExplicitVRLittleEndian)
    bomb.add_new(0x7FE10010, "UN", bytes(8 * 2**20))
    save_dicom(bomb)
    assert discover(tmp_path)[0]["reason"] == "UNUSABLE_IMAGE too large when inflated"


def test_natural_order_through_folders(tmp_path, speckle):
    names = ["case 2/b.png", "case 2/a.png", "case 10/a.png", "Case 1/z10.png", "Case 1/z9.png", "a.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(speckle).save(tmp_path / name)
    assert [item["input"] for item in discover(tmp_path)] == [
        "a.png", "Case 1/z9.png", "Case 1/z10.png", "case 2/a.png", "case 2/b.png", "case 10/a.png",
    ]  # fmt: skip


def test_a_name_that_is_no_text_can_be_written(tmp_path, speckle):
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(path, "wb") as file:
        Image.fromarray(speckle).save(file, "PNG")
    (item,) = discover(tmp_path)
    assert item["input"].encode() == rb"caf\xe9.png"
    assert LoadUltrasoundd(record_failures=True)(item)["status"] == "ok"


@pytest.mark.parametrize(
    "frames, max_frames, chosen",
    [
        ("all", 1000, [0, 1, 2, 3, 4]),
        ("all", 2, [0, 2]),
        ("middle", 1000, [2]),
        ("every 2", 1000, [0, 2, 4]),
        ([3, 1, 9], 1000, [1, 3]),
        (4, 1000, [4]),
    ],
)
def test_frames_of_a_cine(make_dicom, save_dicom, tmp_path, speckle, frames, max_frames, chosen):
    save_dicom(make_dicom(np.stack([speckle + number for number in range(5)])), "a cine")
    save_dicom(make_dicom(speckle), "still")
    cine = discover(tmp_path, frames, max_frames)
    still = cine.pop()
    assert still["frame"] == 0 and "CINE_LIMIT" not in still["reason"]
    assert [item["frame"] for item in cine] == chosen
    assert all(item["reason"].startswith("CINE_LIMIT") == (len(chosen) < 5) for item in cine)


def test_a_cine_without_the_wanted_frame_keeps_its_row(make_dicom, save_dicom, tmp_path, speckle):
    save_dicom(make_dicom(np.stack([speckle, speckle])))
    (item,) = discover(tmp_path, [7])
    assert (item["status"], item["reason"]) == ("skipped", "CINE_LIMIT 0 of 2 frames")


@pytest.mark.parametrize("frames", ["some", "every 0", "every", [], [-1], ["1"], True, -3])
def test_senseless_frames_are_refused_before_anything_is_read(tmp_path, frames):
    with pytest.raises(BundleError, match="--frames"):
        discover(tmp_path, frames)


@pytest.mark.parametrize("folder", ["missing", "empty", "only folders"])
def test_nothing_there_is_one_sentence(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "only folders" / "deeper").mkdir(parents=True)
    with pytest.raises(BundleError, match=rf'{folder}" (does not exist|holds no files)\. Check --dataset_dir\.'):
        discover(tmp_path / folder)


def test_an_output_folder_inside_is_left_out(tmp_path, speckle):
    for name in ("a.png", "out/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(speckle).save(tmp_path / name)
    assert [item["input"] for item in discover(tmp_path, exclude=tmp_path / "out")] == ["a.png"]


def test_a_socket_is_not_opened(tmp_path, speckle):
    Image.fromarray(speckle).save(tmp_path / "a.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        assert discover(tmp_path)[1]["status"] == "skipped"


def test_other_modalities_on_demand(make_dicom, save_dicom, tmp_path, speckle):
    path = save_dicom(make_dicom(speckle, SOPClassUID=UID(STORAGE + "2"), Modality="CT"))
    assert discover(tmp_path)[0]["status"] == "skipped"
    assert discover(tmp_path, any_modality=True)[0]["status"] == "ok"
    assert LoadUltrasoundd(any_modality=True)({"image": path})["image"].shape == (1, 96, 80)


def test_a_thousand_headers_are_quick_and_small(make_dicom, save_dicom, tmp_path, speckle):
    data = Path(save_dicom(make_dicom(speckle, SOPInstanceUID="1.2.3.10000"))).read_bytes()
    for number in range(10_001, 11_000):
        (tmp_path / f"{number // 100}").mkdir(exist_ok=True)
        (tmp_path / f"{number // 100}/{number}").write_bytes(data.replace(b"1.2.3.10000", b"1.2.3.%d" % number))
    start = time.process_time()
    items = discover(tmp_path)
    assert time.process_time() - start < 10
    assert len({item["sop_instance_uid"] for item in items}) == 1000
    tracemalloc.start()
    items = discover(tmp_path / "105")
    assert tracemalloc.get_traced_memory()[0] / len(items) < 4_000
    tracemalloc.stop()
