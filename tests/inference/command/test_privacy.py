"""Nothing about the patient is printed, or written beside what belongs to the patient."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

BUNDLE = Path(__file__).parents[3] / "bundle"
SAMPLES = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())

pytestmark = pytest.mark.slow


def test_no_word_about_the_patient_is_printed_or_written(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]], last_line: Callable[[str], str]
) -> None:
    canary = "CANARY"
    (tmp_path / "in").mkdir()
    for number, sample in enumerate(SAMPLES[:2]):
        dataset = pydicom.dcmread(sample)
        for keyword in (
            "PatientName", "PatientID", "PatientComments", "PatientBirthDate", "PatientAge", "InstitutionName",
            "ReferringPhysicianName", "OperatorsName", "StudyDescription", "SeriesDescription", "StudyID",
            "AccessionNumber", "ImageComments", "PatientAddress", "OtherPatientIDs", "DeviceSerialNumber",
            "StudyDate", "StudyTime", "PatientSex", "ProtocolName", "ManufacturerModelName",
        ):  # fmt: skip
            tag, vr = tag_for_keyword(keyword), dictionary_VR(keyword)
            dataset[tag] = pydicom.DataElement(tag, vr, f"{canary} {keyword}", validation_mode=pydicom.config.IGNORE)
        dataset.save_as(tmp_path / "in" / f"{number}.dcm")
    (tmp_path / "in" / f"{canary}.dcm").write_bytes((tmp_path / "in" / "0.dcm").read_bytes()[:3000])

    process = start()
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 1
    assert last_line(stderr).startswith("Not everything could be analysed: 2 analysed, 0 skipped, 1 failed")
    assert canary not in stdout + stderr
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"predictions.csv", "summary.json"} <= {path.name for path in written}
    for path in written:
        if path.suffix != ".dcm":  # DICOM results belong to the patient; predictions.csv and its page name inputs
            content = path.read_bytes()
            assert content.count(canary.encode()) == (path.name in ("predictions.csv", "report.html")), path
    assert "CANARY.dcm,0,,,failed," in (tmp_path / "out" / "predictions.csv").read_text()
