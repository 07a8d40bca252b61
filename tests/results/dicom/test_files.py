"""DICOM files are written whole or not at all, and no patient attribute is told on the way."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

pytest.importorskip("highdicom")

from scripts.findings import Finding  # noqa: E402
from scripts.results.dicom import segmentation as dicom_seg  # noqa: E402
from scripts.results.dicom.archive import (  # noqa: E402
    AlgorithmIdentity,
    DicomResultError,
    SourceFrame,
    make_results,
    read_header,
    write_dicom,
)
from scripts.results.dicom.secondary_capture import make_secondary_capture  # noqa: E402
from scripts.results.dicom.source import IMAGE, PATIENT_AND_STUDY  # noqa: E402
from scripts.sites import Site  # noqa: E402

Find = Callable[..., Finding]

CANARY = "CANARYbird"


@pytest.fixture
def canary_file(plain_header: Dataset, tmp_path: Path) -> Path:
    """A file in which every text attribute holds a canary, most of them against their representation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword in (PATIENT_AND_STUDY + IMAGE).split():
            if not keyword.endswith(("UID", "Sequence", "Ratio", "Size", "Weight", "Rows", "Columns", "Modality")):
                setattr(plain_header, keyword, f"{CANARY} {keyword} " + 70 * "x")
        plain_header.PatientName = f"{CANARY}{CANARY}"
        plain_header.file_meta = FileMetaDataset()
        plain_header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        plain_header.file_meta.MediaStorageSOPClassUID = plain_header.SOPClassUID
        plain_header.file_meta.MediaStorageSOPInstanceUID = plain_header.SOPInstanceUID
        dcmwrite(tmp_path / "source.dcm", plain_header, enforce_file_format=True)
    return tmp_path / "source.dcm"


def test_no_patient_attribute_reaches_a_log_or_a_warning(
    canary_file: Path,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        header = read_header(canary_file)
        source = SourceFrame.of(header)
        segmentation, report = make_results(source, find(header), algorithm, site)
        capture = make_secondary_capture(source, np.zeros((8, 8, 3), np.uint8), algorithm, cropped=True)
        for number, result in enumerate((segmentation, report, capture)):
            write_dicom(result, tmp_path / f"{number}.dcm")
    assert CANARY in str(segmentation.PatientName)  # it reached the file, and only the file
    printed = capfd.readouterr()
    assert CANARY not in caplog.text + printed.out + printed.err + "".join(str(w.message) for w in told)


def test_the_words_of_a_library_are_not_repeated(
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: Any) -> None:
        raise ValueError(f"{CANARY} is not a name")

    monkeypatch.setattr(dicom_seg, "Segmentation", refuse)
    with pytest.raises(DicomResultError, match=r"^DICOM_RESULT_FAILED \(ValueError\)$") as failure:
        make_results(SourceFrame.of(plain_header), find(plain_header), algorithm, site)
    assert CANARY not in "".join(traceback.format_exception(failure.value))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    segmentation, _ = make_results(SourceFrame.of(plain_header), find(plain_header), algorithm, site)
    path = tmp_path / "new folder" / "seg.dcm"
    write_dicom(segmentation, path)
    before = path.read_bytes()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scripts.writing.files.os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_dicom(segmentation, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
