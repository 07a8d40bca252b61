"""Secondary Captures of overlays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

pytest.importorskip("highdicom")

from scripts.results.dicom.archive import AlgorithmIdentity, SourceFrame, write_dicom  # noqa: E402
from scripts.results.dicom.secondary_capture import make_secondary_capture  # noqa: E402

PICTURE = np.random.default_rng(0).integers(0, 256, (31, 47, 3), np.uint8)


def test_dciodvfy_finds_no_error(
    real_header: Dataset,
    algorithm: AlgorithmIdentity,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:
    assert errors_of_dciodvfy(make_secondary_capture(SourceFrame.of(real_header), PICTURE, algorithm, True)) == []


def test_the_picture_is_filed_beside_its_frame(
    cine_header: Dataset, algorithm: AlgorithmIdentity, tmp_path: Path
) -> None:
    made = make_secondary_capture(SourceFrame.of(cine_header, 2), PICTURE, algorithm, cropped=True)
    write_dicom(made, tmp_path / "sc.dcm")
    capture = dcmread(tmp_path / "sc.dcm")
    np.testing.assert_array_equal(capture.pixel_array, PICTURE)
    assert capture.StudyInstanceUID == cine_header.StudyInstanceUID
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == cine_header.SOPInstanceUID
    assert capture.SourceImageSequence[0].ReferencedFrameNumber == 3


@pytest.mark.parametrize(
    ("declared", "cropped", "expected"), [("NO", True, "NO"), (None, True, None), ("NO", False, "YES")]
)
def test_pixels_outside_the_region_count_as_burned_in_annotation(
    declared: str | None,
    cropped: bool,
    expected: str | None,
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
) -> None:
    if declared:
        plain_header.BurnedInAnnotation = declared
    capture = make_secondary_capture(SourceFrame.of(plain_header), PICTURE, algorithm, cropped)
    assert capture.get("BurnedInAnnotation") == expected
