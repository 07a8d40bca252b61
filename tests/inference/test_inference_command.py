"""The command itself: exit codes, the last line, killed runs, full disks, and nothing about the patient."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless

from scripts.data.reasons import STATUS_OF_CODE

BUNDLE = Path(__file__).parents[2] / "bundle"
SAMPLES = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    torch.manual_seed(3)
    network = parser.get_parsed_content("network_def")
    network.evidence_threshold.fill_(-100.0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def start(tmp_path: Path, weights: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``run inference`` from the repository root, as a user types it."""

    def begin(
        *arguments: str, limit_files: int = 0, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file",
            "bundle/configs/inference.json", "--bundle_root", "bundle", "--image_size", "64",
            "--dataset_dir", str(tmp_path / "in"), "--output_dir", str(tmp_path / "out"), "--weights", str(weights),
            *arguments,
        ]  # fmt: skip
        if limit_files:
            command = ["prlimit", f"--fsize={limit_files}", *command]
        return subprocess.Popen(
            command, cwd=BUNDLE.parent, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        )  # fmt: skip

    return begin


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    folder, draw = tmp_path / "in", np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number:02d}.png" for number in range(12)]
    for path in paths:
        Image.fromarray(draw.integers(0, 255, (120, 100), np.uint8)).save(path)
    return paths


def inputs(output_dir: Path) -> list[str]:
    with open(output_dir / "predictions.csv", newline="", encoding="utf-8") as file:
        return [row["input"] for row in csv.DictReader(file) if row["overlay"] is not None]


def last_line(stderr: str) -> str:
    assert stderr.endswith("\n")
    return stderr.splitlines()[-1]


def test_a_second_run_is_kept_out_and_a_killed_one_goes_on(
    images: list[Path], tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    out = tmp_path / "out"
    process = start("--batch_size", "1")
    deadline = time.monotonic() + 300
    while not (out / "predictions.csv").is_file() or len(inputs(out)) < 4:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    second = start("--batch_size", "1")
    _, stderr = second.communicate(timeout=300)
    assert second.returncode == 2 and last_line(stderr).startswith("Another run is writing to ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_until_gone(process.pid)

    done = inputs(out)
    assert 4 <= len(done) < len(images) and done == [path.name for path in images[: len(done)]]
    assert json.loads((out / "summary.json").read_text())["finished"] is False
    before = {name: (out / "masks" / name).stat().st_mtime_ns for name in done}
    for name in done:
        Image.open(out / "masks" / name).load()
        Image.open(out / "overlays" / name).load()

    process = start("--batch_size", "1")
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0 and last_line(stderr).startswith("12 analysed, 0 skipped, 0 failed")
    assert inputs(out) == [path.name for path in images]
    assert {name: (out / "masks" / name).stat().st_mtime_ns for name in done} == before
    assert json.loads((out / "summary.json").read_text())["finished"] is True
    assert not list(out.rglob("*.part"))


def _wait_until_gone(group: int) -> None:
    """No process of the run may stay behind."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail("a process of the run is still there")


def test_a_full_disk_ends_the_run_in_a_sentence_and_it_goes_on_later(
    images: list[Path], tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    ramp = np.add.outer(np.arange(120), np.arange(100)).astype(np.uint8)
    for path in images:
        Image.fromarray(ramp).save(path)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (600, 700), np.uint8)).save(images[5])
    # The overlay of the big one does not fit; the limit would hit a reading process's shared memory too.
    process = start("--num_workers", "0", limit_files=200_000)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 3 and "cannot be written any more" in last_line(stderr)
    done = inputs(tmp_path / "out")
    assert done == [path.name for path in images[:5]]

    process = start()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0 and inputs(tmp_path / "out") == [path.name for path in images]


#: Stand-ins of three decoders, found before them: one that lacks, one that aborts, and one that hangs.
DECODERS = {
    "gdcm": "raise ImportError",
    "jpeg_ls": "import os\n__version__ = '1.5.1'\ndecode_pixel_data = lambda *_: os.abort()",
    "openjpeg": "import time\n__version__ = '2.6.0'\n"
    "def decode_pixel_data(*_, **__): time.sleep(600)\nencode_pixel_data = decode_pixel_data",
}


def test_every_odd_file_ends_with_the_code_that_names_it(
    odd_folder: dict[str, str], make_dicom: Callable[..., Dataset], save_dicom: Callable[..., str],
    make_region: Callable[..., Dataset], speckle: np.ndarray, tmp_path: Path,
    start: Callable[..., subprocess.Popen[str]],
) -> None:  # fmt: skip
    """All codes that there are, in one run."""
    (tmp_path / "decoders").mkdir()
    for name, content in DECODERS.items():
        (tmp_path / "decoders" / f"{name}.py").write_text(content)
    expected = dict(odd_folder)
    for name, syntax, code in (
        ("no decoder", JPEGLosslessSV1, "DECODER_MISSING"),
        ("bad for the decoder", JPEGLSLossless, "DECODER_CRASHED"),
        ("long for the decoder", JPEG2000, "TIMEOUT"),
    ):
        dataset = make_dicom(speckle, PixelData=encapsulate([speckle.tobytes()]))
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        save_dicom(dataset, f"in/{name}")
        expected[name] = f"failed {code}"

    regions = [make_region(0, 0, 95, 79)]
    for name, pixels in (("one of two", speckle), ("two of two", speckle[::-1].copy())):
        save_dicom(make_dicom(pixels, SOPInstanceUID="1.2.3.4", SequenceOfUltrasoundRegions=regions), f"in/{name}")
        expected[name] = "ok UID_REUSED"
    save_dicom(make_dicom(np.stack([speckle, speckle + 1]), NumberOfFrames=1), "in/two frames")
    expected["two frames"] = "ok FRAME_COUNT"
    colored, jpeg = np.stack([speckle] * 3, axis=-1), io.BytesIO()
    Image.fromarray(colored).save(jpeg, "JPEG")  # in YCbCr
    labelled = make_dicom(colored, PixelData=encapsulate([jpeg.getvalue()]), SequenceOfUltrasoundRegions=regions)
    labelled["PixelData"].VR = "OB"
    labelled.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    save_dicom(labelled, "in/labelled RGB")
    expected["labelled RGB"] = "ok COLOR_LABEL"
    Image.fromarray(speckle.astype(np.uint16)).save(tmp_path / "in" / "dark picture.png")
    (tmp_path / "in" / "film.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST" + bytes(200))
    (tmp_path / "in" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    expected |= {"dark picture.png": "ok SCALE_ASSUMED", "film.avi": "skipped FILM"}
    expected[".DS_Store"] = "skipped COMPANION_FILE"

    stand_ins = {"PYTHONPATH": str(tmp_path / "decoders")}
    process = start("--max_frames", "3", "--decode_seconds", "5", environment=stand_ins)
    stdout, stderr = process.communicate(timeout=500)
    with open(tmp_path / "out" / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    outcomes = {row["input"]: f"{row['status']} {row['reason']}".split(";")[0].split(" ")[:2] for row in rows}
    assert {name: " ".join(outcome).strip() for name, outcome in outcomes.items()} == expected
    assert {outcome[1] for outcome in outcomes.values()} - {""} == set(STATUS_OF_CODE)
    keys = [(row["input"], row["frame"], row["region"]) for row in rows]
    assert len(set(keys)) == len(keys) == len(expected) + 1 + 2 + 1  # two regions, three frames, two frames

    counts = [sum(row["status"] == status for row in rows) for status in ("ok", "skipped", "failed")]
    assert process.returncode == 1
    words = "Not everything could be analysed: {} analysed, {} skipped, {} failed".format(*counts)
    assert last_line(stderr).startswith(words)
    assert not [name for name in ("Test^Case", "T1", *expected) if f'"{name}"' in stdout + stderr]
    reports = {path.stem for path in (tmp_path / "out" / "dicom_sr").iterdir()}
    for row in rows:
        analysed = row["status"] == "ok"
        assert bool(row["mask"]) == analysed
        if analysed:
            picture = "picture" in row["input"]
            mask = Path(row["mask"])
            assert (tmp_path / "out" / mask).is_file()
            assert (mask.stem in reports) == (not picture and row["input"] != "no study")


def test_no_word_about_the_patient_is_printed_or_written(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
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


def test_missing_weights_end_with_code_2(images: list[Path], start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--weights", "absent/model.pt")
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 2 and '"absent/model.pt"' in last_line(stderr)
