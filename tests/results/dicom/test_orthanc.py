"""The path of docs/pacs.md, run against a real archive: fetch a study, analyse it, store the results, find them."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

highdicom = pytest.importorskip("highdicom")
dicomweb_client = pytest.importorskip("dicomweb_client")

from scripts.results.dicom.archive import (  # noqa: E402
    AlgorithmIdentity,
    SourceFrame,
    make_results,
    read_header,
    write_dicom,
)
from scripts.sites import Site  # noqa: E402

BUNDLE = Path(__file__).parents[3] / "bundle"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SEG, SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"


def documented(language: str) -> list[str]:
    """The code blocks of the documented path."""
    return re.findall(rf"```{language}\n(.*?)```", (BUNDLE / "docs" / "pacs.md").read_text(), re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DICOMweb root of an Orthanc of our own, as documented but on free ports."""
    program = shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None or not PLUGIN.exists():
        pytest.skip("Orthanc with DICOMweb (Debian packages orthanc, orthanc-dicomweb) is not installed")
    folder = tmp_path_factory.mktemp("orthanc")
    settings = json.loads(documented("json")[0]) | {"HttpPort": free_port(), "DicomPort": free_port()}
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([program, "orthanc.json"], cwd=folder, stdout=log, stderr=log)
        try:
            root = f"http://127.0.0.1:{settings['HttpPort']}"
            wait_for(f"{root}/system", server, folder / "log")
            yield f"{root}/dicom-web"
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(150):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"Orthanc did not answer in 30 s: {log.read_text()}")


def fetch(archive: str, study: str, inputs: Path) -> list[Path]:
    exec(documented("python")[0], {"url": archive, "study": study, "inputs": inputs})
    return sorted(inputs.iterdir())


def store(archive: str, outputs: Path) -> None:
    exec(documented("python")[1], {"url": archive, "outputs": outputs})


def classes_in(archive: str, study: str) -> Counter[str]:
    found = dicomweb_client.DICOMwebClient(url=archive).search_for_instances(study_instance_uid=study)
    return Counter(item["00080016"]["Value"][0] for item in found)


def upload(archive: str, *paths: Path) -> list[Dataset]:
    instances = [dcmread(path) for path in paths]
    dicomweb_client.DICOMwebClient(url=archive).store_instances(instances)
    return instances


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "examples_ybr_color.dcm"])
def test_results_come_to_lie_beside_their_source(
    name: str, archive: str, algorithm: AlgorithmIdentity, make_finding: Callable[..., Any], site: Site, tmp_path: Path
) -> None:
    source = upload(archive, Path(get_testdata_file(name, download=False)))[0]
    study = source.StudyInstanceUID
    (fetched,) = fetch(archive, study, tmp_path / "in")
    header = read_header(fetched)
    mask = np.zeros((header.Rows, header.Columns), np.uint8)
    mask[20:60, 30:90] = 255
    segmentation, report = make_results(SourceFrame.of(header), make_finding(mask), algorithm, site)
    write_dicom(segmentation, tmp_path / "out" / "dicom_seg" / "a.dcm")
    write_dicom(report, tmp_path / "out" / "dicom_sr" / "a.dcm")
    store(archive, tmp_path / "out")
    store(archive, tmp_path / "out")  # the same UIDs: nothing doubles

    assert classes_in(archive, study) == {source.SOPClassUID: 1, SEG: 1, SR: 1}
    client = dicomweb_client.DICOMwebClient(url=archive)
    modalities = client.search_for_studies(search_filters={"StudyInstanceUID": study}, fields=["ModalitiesInStudy"])
    assert set(modalities[0]["00080061"]["Value"]) == {"SEG", "SR", "US"}
    stored = client.retrieve_instance(study, segmentation.SeriesInstanceUID, segmentation.SOPInstanceUID)
    assert stored.PatientID == source.PatientID
    np.testing.assert_array_equal(stored.pixel_array, mask // 255)


@pytest.mark.slow
def test_inference_over_a_fetched_study(archive: str, tmp_path: Path) -> None:
    samples = sorted((BUNDLE / "sample_data" / "dicom").rglob("*.dcm"))
    source = upload(archive, samples[0])[0]
    fetch(archive, source.StudyInstanceUID, tmp_path / "in")
    command = "-m monai.bundle run inference --config_file configs/inference.json".split()
    folders = ["--dataset_dir", str(tmp_path / "in"), "--output_dir", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, *command, *folders], cwd=BUNDLE, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    store(archive, tmp_path / "out")
    stored = classes_in(archive, source.StudyInstanceUID)
    written = {kind: len(list((tmp_path / "out" / kind).rglob("*.dcm"))) for kind in ("dicom_seg", "dicom_sr")}
    assert written["dicom_sr"] >= 1
    assert (stored[SEG], stored[SR]) == (written["dicom_seg"], written["dicom_sr"])
