"""Real ultrasound headers, and the public checker of DICOM objects."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

#: In pydicom itself: old ACR style, JPEG 2000, palette, colour, cine; in pydicom-data: a Philips still without a
#: patient, single-frame and multi-frame classes with two frames, two regions, a long cine.
REAL_ULTRASOUND = (
    "ExplVR_BigEnd.dcm",
    "examples_jpeg2k.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_rle_2frame.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "color3d_jpeg_baseline.dcm",
)


def real_file(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom-data is not installed: {name}")
    return Path(path)


@pytest.fixture(params=REAL_ULTRASOUND)
def real_header(request: pytest.FixtureRequest) -> Dataset:
    from scripts.results.dicom.archive import read_header

    return read_header(real_file(request.param))


@pytest.fixture
def cine_header() -> Dataset:
    from scripts.results.dicom.archive import read_header

    return read_header(real_file("examples_ybr_color.dcm"))


@pytest.fixture
def plain_header() -> Dataset:
    """A still as a careful device writes it, with calibrated spacing."""
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    header.SOPInstanceUID, header.SeriesInstanceUID, header.StudyInstanceUID = (
        generate_uid(entropy_srcs=[f"plain {level}"]) for level in ("image", "series", "study")
    )
    header.PatientName, header.PatientID, header.IssuerOfPatientID = "Müller^Zoë", "P-17", "Ward 3"
    header.PatientBirthDate, header.PatientSex = "19700102", "F"
    header.StudyDate, header.StudyTime, header.AccessionNumber = "20260203", "101112.5", "A-9"
    header.StudyID, header.StudyDescription, header.ReferringPhysicianName = "S1", "Breast left", "Roe^R"
    header.Modality, header.Manufacturer, header.Laterality = "US", "Maker", "L"
    header.Rows, header.Columns, header.PixelSpacing = 48, 64, [0.1, 0.2]
    return header


@pytest.fixture
def algorithm() -> Any:
    from scripts.results.dicom.archive import AlgorithmIdentity

    return AlgorithmIdentity(version="1.2.3", weights_sha256="ab" * 32, configuration="c0ffee")


@pytest.fixture
def lesion_mask() -> Callable[[Dataset], np.ndarray]:
    """An L-shaped lesion, so that swapped or mirrored axes are seen."""

    def build(header: Dataset) -> np.ndarray:
        mask = np.zeros((header.Rows, header.Columns), np.uint8)
        mask[10:30, 12:17] = 255
        mask[25:30, 12:40] = 255
        return mask

    return build


@pytest.fixture
def find(lesion_mask: Callable[[Dataset], np.ndarray], make_finding: Callable[..., Any]) -> Callable[..., Any]:
    """``find(header, **changes)``: a malignant lesion of known size; with ``mask`` another, or none."""
    from scripts.findings import Size

    def build(header: Dataset, mask: np.ndarray | None = None, **changes: Any) -> Any:
        radiomics = {"echo_skewness": -0.25, "margin_sharpness_of_the_boundary": 2.5, "broken": float("nan")}
        told = {"size": Size(200, 4.0, 4.5, 1.5), "radiomics": radiomics, **changes}
        return make_finding(lesion_mask(header) if mask is None else mask, **told)

    return build


@pytest.fixture
def errors_of_dciodvfy(tmp_path: Path) -> Callable[[Dataset], list[str]]:
    """What dciodvfy (dicom3tools) finds wrong with an object."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    from scripts.results.dicom.archive import write_dicom

    def check(result: Dataset) -> list[str]:
        path = tmp_path / "checked.dcm"
        write_dicom(result, path)
        told = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, timeout=60, check=False)
        assert "Segmentation" in told.stderr or "SR" in told.stderr or "SCImage" in told.stderr, told.stderr
        return [line for line in told.stderr.splitlines() if line.startswith("Error")]

    return check
