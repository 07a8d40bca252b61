"""configs/serve.json: files as they come, a restart, an end on request; from an Orthanc and back."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from monai.bundle import ConfigWorkflow

from scripts.errors import BundleError
from scripts.inference.service import Arrivals, OrthancFeed, Service
from scripts.inference.service.orthanc import REPORT_METADATA

BUNDLE = Path(__file__).parents[3] / "bundle"
CONFIGS = str([str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "serve")])
Make = Callable[..., Service]


@pytest.fixture
def serve(tmp_path: Path, weights: dict[bool, Path]) -> Make:
    """``serve(**overrides)``: a service over ``in``, whose rounds the test turns."""

    def make(**overrides: Any) -> Service:
        settings = {
            "image_size": 64, "overlays": False, "evidence_figures": False, "settle_seconds": 0.0,
            "dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out"), **overrides,
        }  # fmt: skip
        workflow = ConfigWorkflow(
            config_file=[str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "serve")],
            workflow_type="infer", logging_file=False, bundle_root=str(BUNDLE), weights=str(weights[True]), **settings,
        )  # fmt: skip
        workflow.initialize()
        return workflow.parser.get_parsed_content("service")

    return make


def read_rows(out: Path) -> list[dict[str, str]]:
    with open(out / "predictions.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_comes_is_analysed_once_also_after_a_restart(
    archive: Path, tmp_path: Path, serve: Make, run: Any, weights: dict[bool, Path]
) -> None:
    later, out = tmp_path / "later", tmp_path / "out"
    archive.rename(later)
    (tmp_path / "in").mkdir()
    service = serve()
    service.round()
    assert not (out / "predictions.csv").exists()
    shutil.copy(later / "gray.png", tmp_path / "in")
    service.round()
    assert [row["input"] for row in read_rows(out)] == ["gray.png"] and (out / "report.html").is_file()
    mask = (out / "masks" / "gray.png").stat().st_mtime_ns
    shutil.copytree(later, tmp_path / "in", dirs_exist_ok=True)
    again = serve()
    again.round()
    page = (out / "report.html").stat().st_mtime_ns
    again.round()
    assert (out / "report.html").stat().st_mtime_ns == page  # nothing new, nothing done
    assert (out / "masks" / "gray.png").stat().st_mtime_ns == mask
    run(tmp_path / "in", tmp_path / "plain", weights[True], overlays=False, evidence_figures=False)
    assert read_rows(out) == read_rows(tmp_path / "plain")


def test_a_file_that_still_grows_is_waited_for(archive: Path) -> None:
    arrivals = Arrivals(str(archive), settle_seconds=0.3)
    assert arrivals.items() == []
    end = time.monotonic() + 1.0
    whole = (archive / "gray.png").read_bytes()
    size = 100
    while time.monotonic() < end:
        size += 1
        (archive / "gray.png").write_bytes(whole[:size])
        names = [item["input"] for item in arrivals.items()]
        assert "gray.png" not in names
        time.sleep(0.05)
    assert "deep/same.png" in names
    (archive / "gray.png").write_bytes(whole)
    arrivals.items()
    time.sleep(0.4)
    assert [item["status"] for item in arrivals.items() if item["input"] == "gray.png"] == ["ok"]


def test_results_are_sent_once_and_an_archive_that_is_away_is_waited_for(
    archive: Path, tmp_path: Path, serve: Make, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    service = serve()

    def away(paths: list[Path]) -> None:
        raise BundleError("The archive is away.")

    service.send = away
    for _ in range(3):
        service.round()
    assert caplog.text.count("The archive is away. It is tried again.") == 1
    service.send = lambda paths: sent.extend(path.name for path in paths)
    service.round()
    service.round()
    restarted = serve()
    restarted.send = service.send
    restarted.round()
    written = [path.name for kind in ("dicom_seg", "dicom_sr") for path in (tmp_path / "out" / kind).rglob("*.dcm")]
    assert sorted(sent) == sorted(written) and len(written) == 4


@pytest.mark.slow
def test_the_command_ends_on_sigterm_and_goes_on_when_started_again(
    archive: Path, tmp_path: Path, weights: dict[bool, Path]
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "monai.bundle", "run", "serve", "--config_file", CONFIGS, "--bundle_root", BUNDLE]
    command += ["--dataset_dir", archive, "--output_dir", out, "--weights", weights[True], "--image_size", "64"]
    command += ["--settle_seconds", "0", "--poll_seconds", "0.2", "--overlays", "false"]
    for expected in (8, 9):
        with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as going:
            end = time.monotonic() + 400
            while not (out / "report.html").exists() or len(read_rows(out)) < expected:
                assert going.poll() is None and time.monotonic() < end
                time.sleep(0.2)
            going.send_signal(signal.SIGTERM)
            assert going.wait(60) == 0, going.stderr.read()
        shutil.copy(archive / "gray.png", archive / "one more.png")
    assert not (out / ".lock").exists()


def test_from_an_orthanc_and_back(
    orthanc: str, archive: Path, tmp_path: Path, serve: Make, caplog: pytest.LogCaptureFixture
) -> None:
    import requests
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(url=f"{orthanc}/dicom-web")
    source = pydicom.dcmread(archive / "1.2.840.99")
    client.store_instances([source])
    options = {"dataset_dir": str(tmp_path / "inbox"), "orthanc_url": orthanc, "send_to": f"{orthanc}/dicom-web"}
    for _ in range(2):  # what was sent back is not taken for new
        service = serve(**options)
        service.round()
        service.round()
    (row,) = read_rows(tmp_path / "out")
    name = f"{source.StudyInstanceUID}/{source.SeriesInstanceUID}/{source.SOPInstanceUID}.dcm"
    assert (row["input"], row["status"]) == (name, "ok")
    found = client.search_for_instances(study_instance_uid=source.StudyInstanceUID)
    classes = {one["00080016"]["Value"][0] for one in found}
    assert len(found) == 3 and source.SOPClassUID in classes
    (study,) = requests.get(f"{orthanc}/studies", timeout=20).json()
    link = requests.get(f"{orthanc}/studies/{study}/metadata/{REPORT_METADATA}", timeout=20).text
    assert link == f"{(tmp_path / 'out' / 'report.html').as_uri()}#study={source.StudyInstanceUID}"
    assert f'"{source.StudyInstanceUID}"' in (tmp_path / "out" / "report.html").read_text()

    other = pydicom.dcmread(archive / "deep" / "same.dcm")
    client.store_instances([other])
    service.round()
    assert len(read_rows(tmp_path / "out")) == 2
    away = OrthancFeed("http://someone:secret@127.0.0.1:9", str(tmp_path / "inbox"), tmp_path / "memory")
    with pytest.raises(BundleError, match='"http://127.0.0.1:9" cannot be reached') as told:
        away.collect()
    assert "secret" not in str(told.value)
