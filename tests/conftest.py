"""Ultrasound DICOM files made for the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HEVCMP51,
    MPEG4HP41,
    ExplicitVRLittleEndian,
    RLELossless,
    UltrasoundImageStorage,
    generate_uid,
)

STORAGE = "1.2.840.10008.5.1.4.1.1."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests run last: what is wrong shows soon."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture
def speckle() -> np.ndarray:
    """An 8-bit picture, 96 rows by 80 columns, that no flip or transposition leaves as it is."""
    rows, columns = np.mgrid[:96, :80]
    noise = np.random.default_rng(0).integers(0, 40, (96, 80))
    return (rows + columns // 2 + noise).astype(np.uint8)


@pytest.fixture
def make_dicom() -> Callable[..., Dataset]:
    """``make_dicom(pixels, **elements)``: an ultrasound data set around native pixels; frames come first."""

    def make(pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Dataset:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.SOPClassUID, dataset.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
        dataset.Modality = "US"
        dataset.PatientName, dataset.PatientID = "Test^Case", "T1"
        color = pixels.ndim > 2 and pixels.shape[-1] == 3
        dataset.SamplesPerPixel = 3 if color else 1
        dataset.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
        if color:
            dataset.PlanarConfiguration = 0
        frames = pixels.shape[: pixels.ndim - (3 if color else 2)]
        if frames:
            dataset.NumberOfFrames = frames[0]
        dataset.Rows, dataset.Columns = pixels.shape[len(frames) : len(frames) + 2]
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        order = ">" if syntax == "1.2.840.10008.1.2.2" else "<"
        data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        dataset.PixelData = data + bytes(len(data) % 2)
        dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
        for keyword, value in elements.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        return dataset

    return make


@pytest.fixture
def save_dicom(tmp_path: Path) -> Callable[..., str]:
    """``save_dicom(dataset, name)``: write it and say where."""

    def save(dataset: Dataset, name: str = "image.dcm") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return str(path)

    return save


@pytest.fixture
def make_region() -> Callable[..., Dataset]:
    """``make_region(top, left, last_row, last_column, **elements)``: a calibrated B-mode region, 0.1 mm a pixel."""

    def make(top: int, left: int, last_row: int, last_column: int, **elements: Any) -> Dataset:
        item = Dataset()
        item.RegionSpatialFormat, item.RegionDataType = 1, 1
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = last_column, last_row
        item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
        item.PhysicalDeltaX = item.PhysicalDeltaY = 0.01
        for keyword, value in elements.items():
            setattr(item, keyword, value)
        return item

    return make


@pytest.fixture
def compress_with_gdcm(tmp_path: Path) -> Callable[[str], str]:
    """``compress_with_gdcm(path)``: a copy in JPEG Lossless, which pydicom cannot write."""

    def compress(path: str) -> str:
        gdcm = pytest.importorskip("gdcm", reason="python-gdcm is not installed")
        reader = gdcm.ImageReader()
        reader.SetFileName(path)
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(tmp_path / "lossless.dcm"))
        assert writer.Write()
        return str(tmp_path / "lossless.dcm")

    return compress


@pytest.fixture
def odd_folder(
    tmp_path: Path,
    make_dicom: Callable[..., Dataset],
    save_dicom: Callable[..., str],
    make_region: Callable[..., Dataset],
    speckle: np.ndarray,
) -> dict[str, str]:
    """A folder ``in`` of odd inputs; for each the status and code that it must end with, at most 3 frames a cine."""
    folder, expected = tmp_path / "in", {}
    folder.mkdir()

    def put(name: str, outcome: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        expected[name] = outcome

    def dicom(name: str, outcome: str, pixels: np.ndarray = speckle, syntax: str = "", **elements: Any) -> bytes:
        dataset = make_dicom(pixels, **elements)
        if syntax:
            dataset.compress(syntax, generate_instance_uid=False)
        expected[name] = outcome
        return Path(save_dicom(dataset, f"in/{name}")).read_bytes()

    def claiming(name: str, outcome: str, syntax: str) -> None:
        """A file that says it is compressed in another way than it is."""
        dataset = make_dicom(speckle, PixelData=encapsulate([np.random.default_rng(0).bytes(4000)]))
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        save_dicom(dataset, f"in/{name}")
        expected[name] = outcome

    good = dicom("good", "ok SPACING_UNKNOWN")
    put("good again", "skipped DUPLICATE", good)
    put("empty.dcm", "failed EMPTY_FILE", b"")
    put("text.txt", "skipped NOT_DICOM", b"a note\n" * 100)
    put("text.dcm", "failed NOT_DICOM", b"a note\n" * 100)
    put("image.png", "failed PIXEL_DECODE_FAILED", b"not a picture")
    put("image.nii", "failed PIXEL_DECODE_FAILED", b"not a volume" * 100)
    put("cut in the header", "failed TRUNCATED", good[:500])
    put("cut in the pixels", "failed PIXEL_DECODE_FAILED", good[:-100])
    put("bare rubbish", "failed NOT_DICOM", b"\x08\x00" + bytes(range(256)) * 4)
    compressed = dicom("rle", "ok SPACING_UNKNOWN", syntax=RLELossless)
    put("rle cut", "failed TRUNCATED", compressed[:-40])
    put("rle damaged", "failed PIXEL_DECODE_FAILED", compressed.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x99\xe0"))
    claiming("encrypted pixels", "failed PIXEL_DECODE_FAILED", RLELossless)
    claiming("video", "failed UNSUPPORTED_TRANSFER_SYNTAX", MPEG4HP41)
    claiming("newer video", "failed UNSUPPORTED_TRANSFER_SYNTAX", HEVCMP51)
    dicom("directory", "skipped DICOMDIR", SOPClassUID="1.2.840.10008.1.3.10")
    dicom("report", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "88.22", Modality="SR", PixelData=None)
    dicom("segmentation", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "66.4", Modality="SEG")
    dicom("pdf", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "104.1", Modality="DOC", PixelData=None)
    dicom("presentation", "skipped NOT_AN_IMAGE", SOPClassUID=STORAGE + "11.1", Modality="PR", PixelData=None)
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
    dicom("a dicom.png", "ok", SequenceOfUltrasoundRegions=[make_region(0, 0, 95, 79)])
    dual = [make_region(0, 0, 95, 69), make_region(0, 8, 95, 79)]
    dicom("dual", "ok MULTIPLE_REGIONS", SequenceOfUltrasoundRegions=dual)
    dicom("stale", "ok SPACING_UNKNOWN", SequenceOfUltrasoundRegions=[make_region(0, 0, 199, 79)])
    dicom("doppler", "ok COLOR_FLOW", SequenceOfUltrasoundRegions=[make_region(0, 0, 95, 79, RegionDataType=2)])
    dicom("cine", "ok CINE_LIMIT", np.stack([speckle + number for number in range(5)]))
    bare = make_dicom(speckle)
    del bare.file_meta
    bare.save_as(folder / "bare", implicit_vr=True, little_endian=True)

    Image.fromarray(speckle).save(folder / "picture.png")
    Image.fromarray(speckle).save(folder / "picture_mask.png")
    Image.fromarray(speckle).save(folder / "picture_MASK_1.PNG")
    picture = (folder / "picture.png").read_bytes()
    put("cut.png", "failed TRUNCATED", picture[:-200])
    put("a picture.dcm", "ok", picture)
    os.symlink(folder, folder / "loop")
    os.symlink(folder / "gone", folder / "dangling")
    os.mkfifo(folder / "pipe")
    return expected | {
        "bare": "ok SPACING_UNKNOWN",
        "picture.png": "ok",
        "picture_mask.png": "skipped NOT_AN_IMAGE",
        "picture_MASK_1.PNG": "skipped NOT_AN_IMAGE",
        "dangling": "failed UNREADABLE",
        "pipe": "skipped NOT_DICOM",
    }


@pytest.fixture(scope="session")
def site() -> Any:
    """The site of the shipped weights."""
    from scripts.sites import load_site

    return load_site("breast_ultrasound", Path(__file__).parents[1] / "bundle")


@pytest.fixture
def make_finding() -> Callable[..., Any]:
    """``make_finding(mask, **changes)``: a malignant lesion wherever the mask is."""
    from scripts.findings import Evidence, Finding, Lesion, measure_size
    from scripts.findings.measurements import connected_parts

    def make(mask: np.ndarray, spacing: tuple[float, ...] = (), **changes: Any) -> Any:
        inside = mask > 0
        told = {
            "diagnosis": "malignant" if inside.any() else "none", "probability": 0.83 if inside.any() else None,
            "mask_reliability": 0.7, **changes,
        }  # fmt: skip
        answer = [told[name] for name in ("diagnosis", "probability", "mask_reliability")]
        parts = [(box, part, measure_size(part, spacing)) for box, part in connected_parts(inside)]
        shared = {name: told[name] for name in ("radiomics", "flags") if name in told}
        if len(parts) == 1 and "size" in told:
            parts = [(*parts[0][:2], told["size"])]
        measured = {
            "mask": inside.astype(np.uint8), "size": measure_size(inside, spacing), "flags": (), "radiomics": {},
            "lesions": tuple(Lesion(*part, *answer, **shared) for part in parts), "lesion_evidence": 0.9,
            "response": np.zeros((8, 8), np.uint8),
            "evidence": Evidence(0.9, False, 2.0, [0.0, 1.0], [0.0, 0.5], 1.0),
        }  # fmt: skip
        return Finding(**(measured | told))

    return make
