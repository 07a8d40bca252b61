"""The transform as runs use it: batches that go on, items in MONAI chains, and no identity in any message."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, Invertd, Resized, ResizeWithPadOrCropd
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.uid import RLELossless

from scripts.data import EnsureThreeChannelsd, LoadUltrasoundd, discover
from scripts.errors import BundleError

CANARY = "CANARY"


def preprocessing(**loading) -> Compose:
    return Compose([
        LoadUltrasoundd(**loading),
        EnsureThreeChannelsd("image"),
        Resized("image", spatial_size=128, size_mode="longest", mode="bilinear"),
        ResizeWithPadOrCropd("image", spatial_size=(128, 128)),
    ])  # fmt: skip


def test_a_work_item_is_cropped_to_its_region(make_dicom, save_dicom, make_region, tmp_path, speckle):
    region = make_region(10, 8, 89, 75, PhysicalDeltaY=0.02)
    save_dicom(make_dicom(speckle, SequenceOfUltrasoundRegions=[region]))
    (item,) = discover(tmp_path)
    loaded = LoadUltrasoundd(record_failures=True)(item)
    np.testing.assert_allclose(loaded["image"].numpy(), speckle[None, 10:90, 8:76] / 255, atol=1e-6)
    assert loaded["source"] == {
        "kind": "dicom", "rows": 96, "columns": 80, "crop": [10, 8, 90, 76],
        "spacing": pytest.approx([0.2, 0.1]), "spacing_provenance": "regions", "color_flow": False,
    }  # fmt: skip
    assert {key: loaded[key] for key in item if key != "image"} == {key: item[key] for key in item if key != "image"}
    assert str(tmp_path) not in str(loaded["image"].meta)


def test_a_path_is_loaded_whole(make_dicom, save_dicom, make_region, speckle):
    """In training and MONAI Label the mask has the size of the file."""
    path = save_dicom(make_dicom(speckle, SequenceOfUltrasoundRegions=[make_region(10, 8, 89, 75)]))
    loaded = LoadUltrasoundd()({"image": path})
    assert loaded["image"].shape == (1, 96, 80)
    assert loaded["source"]["spacing"] == pytest.approx([0.1, 0.1])


def test_batches_go_on_past_failures(make_dicom, save_dicom, tmp_path, speckle):
    (tmp_path / "0 text").write_text("a note")
    (tmp_path / "1 cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.fromarray(speckle).save(tmp_path / "2.png")
    dataset = make_dicom(speckle)
    dataset.compress(RLELossless)
    save_dicom(dataset, "3 compressed")
    items = discover(tmp_path)
    loader = DataLoader(Dataset(items, preprocessing(record_failures=True)), batch_size=2, num_workers=2)
    batches = list(loader)
    assert [tuple(batch["image"].shape) for batch in batches] == [(2, 3, 128, 128)] * 2
    assert [status for batch in batches for status in batch["status"]] == ["skipped", "failed", "ok", "ok"]
    assert [float(image.max()) > 0 for batch in batches for image in batch["image"]] == [False, False, True, True]


def test_preprocessing_can_be_inverted(tmp_path):
    rows, columns = np.mgrid[:96, :80]
    smooth = (rows + columns // 2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "image.png")
    chain = preprocessing()
    item = chain({"image": str(tmp_path / "image.png")})
    back = Invertd("image", chain, orig_keys="image")(item)["image"]
    assert back.shape == (3, 96, 80)
    np.testing.assert_allclose(back.numpy()[0], smooth / 255, atol=0.01)


def test_the_error_names_the_file_and_what_to_do(tmp_path):
    (tmp_path / "note.dcm").write_text("a note")
    with pytest.raises(BundleError, match=r'^".*note\.dcm" cannot be read: NOT_DICOM\. Replace it or take it off'):
        LoadUltrasoundd()({"image": str(tmp_path / "note.dcm")})


@pytest.mark.parametrize("entry", [{"frame": 1}, {"region": 0}])
def test_a_frame_or_region_that_is_not_there(make_dicom, save_dicom, speckle, entry):
    with pytest.raises(BundleError, match="no such frame or region"):
        LoadUltrasoundd()({"image": save_dicom(make_dicom(speckle)), **entry})


def flood(dataset: pydicom.Dataset) -> None:
    """A canary in every text attribute of the dictionary that reading does not need, valid there or not."""
    texts = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if vr in texts and keyword not in dataset and tag >> 16 not in (0x0000, 0x0002) and tag < 0x7FE00000:
            dataset._dict[pydicom.tag.Tag(tag)] = pydicom.dataelem.RawDataElement(
                pydicom.tag.Tag(tag), vr, len(CANARY), CANARY.encode(), 0, False, True
            )


@pytest.mark.parametrize("damage", ["none", "cut", "numbers"])
@pytest.mark.parametrize("record_failures", [True, False])
def test_no_patient_attribute_in_any_message(
    make_dicom, save_dicom, tmp_path, speckle, caplog, capfd, damage, record_failures
):
    caplog.set_level(logging.DEBUG)
    dataset = make_dicom(speckle, NumberOfFrames=1)
    flood(dataset)
    if damage == "numbers":
        for keyword in ("WindowCenter", "WindowWidth", "NumberOfFrames", "StudyInstanceUID", "PixelSpacing"):
            dataset._dict.pop(pydicom.tag.Tag(keyword), None)
        flood(dataset)
        dataset["SOPInstanceUID"]._value = CANARY
    path = save_dicom(dataset)
    if damage == "cut":
        data = Path(path).read_bytes()
        Path(path).write_bytes(data[: len(data) // 2])
    assert CANARY.encode() in Path(path).read_bytes()
    said: list[object] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for item in discover(tmp_path):
            try:
                loaded = LoadUltrasoundd(record_failures=record_failures)(item)
                said.append({**loaded, "image": loaded["image"].meta})
                assert loaded["status"] == ("ok" if damage == "none" else "failed")
            except BundleError as error:
                said.append(error)
            said.append(item)
    said += [warning.message for warning in caught] + [caplog.text, *capfd.readouterr()]
    assert CANARY not in repr(said)
