"""The shipped samples: valid, invented, readable, and made by the script beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import UltrasoundImageStorage

from scripts.data import load_datalist
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[1] / "bundle").classes

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SAMPLES = BUNDLE / "sample_data"
DICOM = sorted(path for path in (SAMPLES / "dicom").rglob("*") if path.is_file())


def test_dicom_samples_are_ultrasound_of_invented_people() -> None:
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in DICOM]
    assert len(headers) == 6
    for header in headers:
        assert header.SOPClassUID == UltrasoundImageStorage
        assert header.PatientID.startswith("SAMPLE-")
        assert header.PatientName.family_name == "Invented"
        assert "PixelSpacing" not in header and "SequenceOfUltrasoundRegions" not in header
    for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert len({header[name].value for header in headers}) == 6
    assert any(not path.suffix for path in DICOM)


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy (Debian package dicom3tools) is not installed")
@pytest.mark.parametrize("path", DICOM, ids=lambda path: path.parent.name + "/" + path.name)
def test_dicom_samples_have_no_error(path: Path) -> None:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert "USImage" in done.stderr + done.stdout
    assert "Error" not in done.stderr + done.stdout


def test_training_sample_is_a_valid_list_of_all_three_kinds() -> None:
    sections = {name: load_datalist(SAMPLES / "training", name, CLASSES) for name in ("training", "validation")}
    assert {name: len(items) for name, items in sections.items()} == {"training": 12, "validation": 6}
    groups = [{item["group"] for item in items} for items in sections.values()]
    assert not groups[0] & groups[1]
    for items in sections.values():
        assert {item["diagnosis"] for item in items} == {"benign", "malignant", "normal"}


@pytest.mark.slow
@pytest.mark.skipif("RADVLSM_DATA" not in os.environ, reason="RADVLSM_DATA names no folder with busi/ and busbra/")
def test_samples_are_what_the_script_makes(tmp_path: Path) -> None:
    data = Path(os.environ["RADVLSM_DATA"])
    command = [sys.executable, "benchmarks/make_sample_data.py", "--output", str(tmp_path)]
    command += ["--busi", str(data / "busi"), "--busbra", str(data / "busbra")]
    subprocess.run(command, cwd=BUNDLE.parent, check=True)
    shipped = {path for part in ("dicom", "training") for path in (SAMPLES / part).rglob("*") if path.is_file()}
    made = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.relative_to(SAMPLES) for path in shipped} == {path.relative_to(tmp_path) for path in made}
    for path in made:
        twin = SAMPLES / path.relative_to(tmp_path)
        if path.suffix == ".png":  # PNG encoders differ
            assert np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(twin)))
        else:
            assert path.read_bytes() == twin.read_bytes()
