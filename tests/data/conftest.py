"""Ultrasound DICOM files made for the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid


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
