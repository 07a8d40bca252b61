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
from pydicom.uid import MPEG4HP41, UID, DeflatedExplicitVRLittleEndian, RLELossless

from scripts.data import LoadUltrasoundd, dicom_header, discover
from scripts.errors import BundleError

STORAGE = "1.2.840.10008.5.1.4.1.1."


@pytest.fixture
def odd_folder(tmp_path: Path, make_dicom, save_dicom, make_region, speckle) -> dict[str, str]:
    """A folder of odd inputs; for each the status and code that it must end with."""
    expected: dict[str, str] = {}

    def put(name: str, outcome: str, data: bytes) -> None:
        (tmp_path / name).write_bytes(data)
        expected[name] = outcome

    def dicom(name: str, outcome: str, pixels: np.ndarray = speckle, compress: bool = False, **elements) -> bytes:
        dataset = make_dicom(pixels, **elements)
        if compress:
            dataset.compress(RLELossless, generate_instance_uid=False)
        expected[name] = outcome
        return Path(save_dicom(dataset, name)).read_bytes()

    good = dicom("good", "ok SPACING_UNKNOWN")
    put("good again", "skipped DUPLICATE", good)
    put("empty.dcm", "failed EMPTY_FILE", b"")
    put("text.txt", "skipped NOT_DICOM", b"a note\n" * 100)
    put("text.dcm", "failed NOT_DICOM", b"a note\n" * 100)
    put("image.png", "failed PIXEL_DECODE_FAILED", b"not a picture")
    put("image.nii", "failed PIXEL_DECODE_FAILED", b"not a volume" * 100)
    put("cut in the header", "failed TRUNCATED", good[:500])
    put("cut in the pixels", "failed PIXEL_DECODE_FAILED", good[:-100])
    put("bare rubbish", "skipped NOT_DICOM", b"\x08\x00" + bytes(range(256)) * 4)
    compressed = dicom("rle", "ok SPACING_UNKNOWN", compress=True)
    put("rle cut", "failed TRUNCATED", compressed[:-40])
    put("rle damaged", "failed PIXEL_DECODE_FAILED", compressed.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x99\xe0"))
    dicom("directory", "skipped DICOMDIR", SOPClassUID="1.2.840.10008.1.3.10")
    dicom("report", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "88.22", Modality="SR", PixelData=None)
    dicom("segmentation", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "66.4", Modality="SEG")
    dicom("pdf", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "104.1", Modality="DOC", PixelData=None)
    dicom("ct", "skipped WRONG_MODALITY", SOPClassUID=STORAGE + "2", Modality="CT")
    dicom("capture", "ok SPACING_UNKNOWN", SOPClassUID=STORAGE + "7")
    dicom("photograph", "skipped WRONG_MODALITY", SOPClassUID=STORAGE + "7", Modality="OT")
    dicom("volume", "failed UNSUPPORTED_SOP_CLASS", SOPClassUID=STORAGE + "6.2")
    dicom("retired", "ok SPACING_UNKNOWN", SOPClassUID=STORAGE + "6")
    dicom("no pixels", "failed NO_PIXEL_DATA", PixelData=None)
    dicom("no photometric", "failed PIXEL_DECODE_FAILED", PhotometricInterpretation=None)
    dicom("huge", "failed UNUSABLE_IMAGE", Rows=65535, Columns=65535)
    dicom("tiny", "failed UNUSABLE_IMAGE", np.arange(63 * 80, dtype=np.uint8).reshape(63, 80))
    dicom("black", "failed UNUSABLE_IMAGE", np.zeros((96, 80), np.uint8))
    dicom("no study", "ok NO_STUDY_UID", StudyInstanceUID=None)
    dual = [make_region(0, 0, 95, 69), make_region(0, 8, 95, 79)]
    dicom("dual", "ok MULTIPLE_REGIONS", SequenceOfUltrasoundRegions=dual)
    dicom("stale", "ok SPACING_UNKNOWN", SequenceOfUltrasoundRegions=[make_region(0, 0, 199, 79)])
    dicom("doppler", "ok COLOR_FLOW", SequenceOfUltrasoundRegions=[make_region(0, 0, 95, 79, RegionDataType=2)])
    video = make_dicom(speckle)
    video.compress(RLELossless)
    video.file_meta.TransferSyntaxUID = MPEG4HP41
    save_dicom(video, "video")
    expected["video"] = "failed UNSUPPORTED_TRANSFER_SYNTAX"

    Image.fromarray(speckle).save(tmp_path / "picture.png")
    Image.fromarray(speckle).save(tmp_path / "picture_mask.png")
    Image.fromarray(speckle).save(tmp_path / "picture_MASK_1.PNG")
    put("cut.png", "failed TRUNCATED", (tmp_path / "picture.png").read_bytes()[:-200])
    os.symlink(tmp_path, tmp_path / "loop")
    os.symlink(tmp_path / "gone", tmp_path / "dangling")
    os.mkfifo(tmp_path / "pipe")
    expected |= {
        "picture.png": "ok",
        "picture_mask.png": "skipped NOT_AN_IMAGE",
        "picture_MASK_1.PNG": "skipped NOT_AN_IMAGE",
        "dangling": "failed UNREADABLE",
        "pipe": "skipped NOT_DICOM",
    }
    return expected


def test_every_odd_file_ends_with_its_code(odd_folder, tmp_path):
    load = LoadUltrasoundd(record_failures=True)
    items = [load(item) for item in discover(tmp_path)]
    assert [item["row"] for item in items] == list(range(len(items)))
    outcomes = {item["input"]: f"{item['status']} {item['reason']}".split(";")[0].split(" ")[:2] for item in items}
    assert {name: " ".join(outcome).strip() for name, outcome in outcomes.items()} == odd_folder
    keys = [(item["input"], item["frame"], item["region"]) for item in items]
    assert len(set(keys)) == len(keys) == len(odd_folder) + 1  # the dual view has two


def test_a_deflated_file_is_measured_before_it_is_inflated(make_dicom, save_dicom, tmp_path, speckle, monkeypatch):
    monkeypatch.setattr(dicom_header, "MAX_PIXELS", 2**20)
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
