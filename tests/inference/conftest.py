"""Inference from Python, with untrained weights, over readable files of every kind among others that are not."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image

from scripts.errors import find_bundle_error

BUNDLE = Path(__file__).parents[2] / "bundle"
SAMPLES = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The real network, untrained, that finds a lesion everywhere or nowhere."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    torch.manual_seed(3)
    network = parser.get_parsed_content("network_def")
    paths = {}
    for found in (True, False):
        network.evidence_threshold.fill_(-100.0 if found else 100.0)
        paths[found] = tmp_path_factory.mktemp("weights") / "model.pt"
        torch.save(network.state_dict(), paths[found])
    return paths


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Readable files of every kind among others that are not."""
    root, draw = tmp_path / "in", np.random.default_rng(0)
    (root / "deep" / "er").mkdir(parents=True)
    Image.fromarray(draw.integers(0, 255, (90, 130), np.uint8)).save(root / "gray.png")
    Image.fromarray(draw.integers(0, 255, (70, 80, 3), np.uint8)).save(root / "deep" / "er" / "color.jpg")
    Image.fromarray(draw.integers(0, 255, (70, 80), np.uint8)).save(root / "deep" / "same.png")
    dataset = pydicom.dcmread(SAMPLES[0])
    dataset.PixelSpacing = [0.2, 0.1]
    dataset.save_as(root / "deep" / "same.dcm")
    shutil.copy(SAMPLES[1], root / "1.2.840.99")
    (root / "gray_mask.png").write_bytes((root / "gray.png").read_bytes())
    (root / "readme.txt").write_text("nothing to see")
    (root / "cut.dcm").write_bytes(SAMPLES[2].read_bytes()[:-1000])
    return root


def start_inference(dataset_dir: Path, output_dir: Path, weights: Path, **overrides: Any) -> ConfigWorkflow:
    settings = {"image_size": 64, "batch_size": 3, "num_workers": 0, "num_writers": 0, **overrides}
    workflow = ConfigWorkflow(
        config_file=str(BUNDLE / "configs" / "inference.json"), workflow_type="infer", logging_file=False,
        bundle_root=str(BUNDLE), dataset_dir=str(dataset_dir), output_dir=str(output_dir), weights=str(weights),
        **settings,
    )  # fmt: skip
    workflow.initialize()
    return workflow


def run_inference(*args: Any, **overrides: Any) -> tuple[int, str]:
    """Exit code, and the sentence that would be the last line (where it is an error)."""
    workflow = start_inference(*args, **overrides)
    try:
        workflow.run()
        workflow.finalize()
    except Exception as error:
        known = find_bundle_error(error)
        if known is None:
            raise
        return known.exit_code, str(known)
    return 0, ""


@pytest.fixture
def make() -> Callable[..., ConfigWorkflow]:
    """``make(dataset_dir, output_dir, weights, **overrides)``: inference, ready to run."""
    return start_inference


@pytest.fixture
def run() -> Callable[..., tuple[int, str]]:
    """The same, run: its exit code, and the sentence that would be the last line (where it is an error)."""
    return run_inference


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[str]:
    """The address of an Orthanc of our own, as docs/pacs.md sets it up."""
    pytest.importorskip("dicomweb_client", reason="dicomweb-client is not installed: Orthanc is not tried")
    program = shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None or not Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so").exists():
        pytest.skip("Orthanc with DICOMweb (Debian packages orthanc, orthanc-dicomweb) is not installed")
    documented = re.findall(r"```json\n(.*?)```", (BUNDLE / "docs" / "pacs.md").read_text(), re.DOTALL)[0]
    ports = {name: _free_port() for name in ("HttpPort", "DicomPort")}
    folder, address = tmp_path / "orthanc", f"http://127.0.0.1:{ports['HttpPort']}"
    folder.mkdir()
    (folder / "orthanc.json").write_text(json.dumps(json.loads(documented) | ports))
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([program, "orthanc.json"], cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(300):
                assert server.poll() is None, (folder / "log").read_text()
                try:
                    urllib.request.urlopen(f"{address}/system", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
