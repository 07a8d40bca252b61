"""MONAI Label's own server with the bundle, on loopback, asked over REST as Slicer and OHIF ask it.

It runs where the environment of requirements-monailabel.txt is: `.venv-monailabel` (`make monailabel`), or a folder
that RADVLSM_MONAILABEL names.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.data import read_mask

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "bundle"
SAMPLES = BUNDLE / "sample_data"
VENV = Path(os.environ.get("RADVLSM_MONAILABEL", ROOT / ".venv-monailabel"))
LESION, OTHERS = "busi_malignant_4", ["busi_benign_13", "busi_benign_20", "busi_malignant_10"]

pytestmark = pytest.mark.slow


@dataclass
class Server:
    """A running server."""

    root: str
    studies: Path
    models: Path

    def send(
        self, method: str, path: str, body: Any = None, fields: dict[str, Any] | None = None, **files: tuple[str, bytes]
    ) -> tuple[int, Any, bytes]:
        """One request: status, headers, content."""
        data, kind = (json.dumps(body).encode(), "application/json") if fields is None else form(fields, files)
        request = urllib.request.Request(self.root + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def ask(self, method: str, path: str, **parts: Any) -> Any:
        """One request that succeeds, and its JSON."""
        status, _, content = self.send(method, path, **parts)
        assert status == 200, content
        return json.loads(content)

    def infer(self, query: str, **params: Any) -> Any:
        return self.ask("POST", f"/infer/rad_vlsm?{query}&output=json", fields={"params": json.dumps(params)})

    def mask(self, query: str, folder: Path, **params: Any) -> tuple[np.ndarray, Path]:
        """The mask as (rows, columns), and its file."""
        fields = {"params": json.dumps(params)}
        status, headers, content = self.send("POST", f"/infer/rad_vlsm?{query}&output=image", fields=fields)
        assert status == 200, content
        name = headers.get_filename()
        path = folder / ("mask" + name[name.index(".") :])
        path.write_bytes(content)
        if path.suffix == ".png":
            return np.asarray(Image.open(path)), path
        values = np.asarray(nibabel.load(path).dataobj)
        assert values.shape[2:] == (1,)
        return values[..., 0].T, path


def form(fields: dict[str, Any], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """Fields and files as multipart/form-data, and its content type."""
    mark = uuid.uuid4().hex
    named = [(f'name="{name}"', str(value).encode()) for name, value in fields.items()]
    named += [(f'name="{name}"; filename="{file}"', content) for name, (file, content) in files.items()]
    parts = [f"--{mark}\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + value for name, value in named]
    return b"\r\n".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as `make monailabel` starts it, on images of each kind."""
    if not (VENV / "bin" / "python").exists():
        pytest.skip("MONAI Label's environment is not installed: make monailabel, or name it with RADVLSM_MONAILABEL")
    work, studies = tmp_path_factory.mktemp("label"), tmp_path_factory.mktemp("studies")
    for name in (LESION, *OTHERS):
        shutil.copy(SAMPLES / "training" / "images" / f"{name}.png", studies)
    shutil.copy(SAMPLES / "dicom" / "SAMPLE-001" / "us.dcm", studies / "sample.dcm")
    pixels = np.asarray(Image.open(studies / f"{LESION}.png").convert("L"))
    nibabel.save(nibabel.Nifti1Image(pixels.T[..., None], np.diag([-0.1, -0.2, 1.0, 1.0])), studies / "volume.nii.gz")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    start = [str(BUNDLE / "monai_label" / "start"), str(work), str(studies)]
    command = [*start, "--predictions", str(results_of(work / "results")), "--port", str(port)]
    with open(work / "log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/info/", process, work / "log")
            models = work / "monaibundle" / "model" / "rad_vlsm" / "models"
            yield Server(f"http://127.0.0.1:{port}", studies, models)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=30)


def results_of(folder: Path) -> Path:
    """Inference has found the lesion as it was drawn."""
    (folder / "masks").mkdir(parents=True)
    shutil.copy(SAMPLES / "training" / "masks" / f"{LESION}_0.png", folder / "masks" / f"{LESION}.png")
    row = f"{LESION}.png,0,,ok,malignant,masks/{LESION}.png"
    (folder / "predictions.csv").write_text(f"input,frame,region,status,diagnosis,mask\n{row}\n")
    (folder / "summary.json").write_text(json.dumps({"finished": True}))
    return folder


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 900
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"MONAI Label did not start in 15 minutes: {log.read_text()[-3000:]}")


def test_the_server_tells_what_it_offers(server: Server) -> None:
    info = server.ask("GET", "/info/")
    assert info["models"]["rad_vlsm"]["labels"] == {"lesion": 1}
    assert (info["models"]["rad_vlsm"]["type"], info["models"]["rad_vlsm"]["dimension"]) == ("segmentation", 2)
    assert {"first", "random", "least_reliable"} <= set(info["strategies"])
    assert "rad_vlsm" in info["trainers"] and "rad_vlsm_reliability" in info["scoring"]
    assert info["datastore"]["total"] == 6


def test_predicted_masks_are_first_labels_that_still_want_correcting(server: Server, tmp_path: Path) -> None:
    status, _, content = server.send("GET", f"/datastore/label?label={LESION}&tag=predicted")
    assert status == 200
    (tmp_path / "label.png").write_bytes(content)
    drawn = SAMPLES / "training" / "masks" / f"{LESION}_0.png"
    assert np.array_equal(read_mask(tmp_path / "label.png"), read_mask(drawn))
    datastore = server.ask("GET", "/info/")["datastore"]
    assert datastore["completed"] == 0 and datastore["label_tags"]["predicted"] == 1


def test_results_are_plain_values(server: Server) -> None:
    result = server.infer(f"image={LESION}")
    assert result["lesion_found"] is True and result["indeterminate"] in (True, False)
    assert result["diagnosis"] in ("benign", "malignant")
    assert 0 < result["malignancy_probability"] < 1 and 0 < result["reliability"] < 1
    assert "Research use only" in result["note"]
    assert result["label_names"] == {"lesion": 1}


def test_masks_lie_on_the_lesion_whatever_the_kind_of_file(server: Server, tmp_path: Path) -> None:
    truth = np.asarray(Image.open(SAMPLES / "training" / "masks" / f"{LESION}_0.png")) > 0
    picture, _ = server.mask(f"image={LESION}", tmp_path)
    volume, path = server.mask("image=volume", tmp_path)
    assert picture.shape == volume.shape == truth.shape and truth.shape[0] != truth.shape[1]
    assert set(np.unique(picture)) == {0, 1}
    assert 2 * (picture.astype(bool) & truth).sum() / (picture.sum() + truth.sum()) > 0.5
    np.testing.assert_array_equal(picture, volume)
    np.testing.assert_allclose(nibabel.load(path).affine, np.diag([-0.1, -0.2, 1.0, 1.0]), atol=1e-6)
    dicom, path = server.mask("image=sample", tmp_path)
    assert path.name == "mask.nii.gz" and dicom.shape == (433, 578) and dicom.any()


def test_every_type_of_output(server: Server) -> None:
    for output in ("", "&output=all"):
        status, headers, content = server.send("POST", f"/infer/rad_vlsm?image={LESION}{output}", fields={})
        assert status == 200 and headers["content-type"].startswith("multipart/form-data")
        assert b'name="params"' in content and b'"diagnosis"' in content and b"\x89PNG" in content
    status, _, content = server.send("POST", "/infer/rad_vlsm?image=sample&output=dicom_seg", fields={})
    assert status == 500 and b"not supported in a non-DICOM datastore" in content


def test_files_can_be_sent_and_bad_ones_are_told_in_a_sentence(server: Server) -> None:
    picture = (server.studies / f"{LESION}.png").read_bytes()
    path = "/infer/rad_vlsm?output=json"
    sent = server.ask("POST", path, fields={}, file=("sent.png", picture))
    assert sent["area_px"] == server.infer(f"image={LESION}")["area_px"]
    status, _, content = server.send("POST", path, fields={}, file=("sent.png", picture[:500]))
    assert status == 422 and json.loads(content)["detail"].startswith("The image cannot be analysed: TRUNCATED")


def test_a_question_is_answered_in_words_and_masks_or_what_is_missing_is_named(server: Server, tmp_path: Path) -> None:
    params = {"question": "Outline every lesion and describe it."}
    fields = {"params": json.dumps(params)}
    status, _, content = server.send("POST", f"/infer/rad_vlsm?image={LESION}&output=json", fields=fields)
    if subprocess.run([VENV / "bin" / "python", "-c", "import transformers"], capture_output=True).returncode:
        assert status == 422 and "pip install -r requirements-language.txt" in json.loads(content)["detail"]
        return
    told = json.loads(content)
    assert status == 200 and told["answer"].startswith("A ") and len(told["answer_boxes"]) == told["answer"].count("[")
    truth = np.asarray(Image.open(SAMPLES / "training" / "masks" / f"{LESION}_0.png")) > 0
    mask, _ = server.mask(f"image={LESION}", tmp_path, **params)
    assert 2 * (mask.astype(bool) & truth).sum() / (mask.sum() + truth.sum()) > 0.5
    other = server.infer(f"image={LESION}", question="Outline the kidney.")
    assert "not taught" in other["contradictions"][0] and other["answer_boxes"] == []
    status, _, content = server.send(
        "POST", f"/infer/rad_vlsm?image={LESION}&output=json", fields={"params": json.dumps({"question": " "})}
    )
    assert status == 422 and json.loads(content)["detail"].startswith("The question is empty")


def test_the_weights_that_answer_decide_and_must_fit(server: Server) -> None:
    weights = torch.load(server.models / "shipped.pt", weights_only=True)
    for name, band in {"cautious.pt": [0.0, 1.0], "bold.pt": [0.5, 0.5]}.items():
        limits = {"indeterminate_band": torch.tensor(band), "reliability_threshold": torch.tensor(0.0)}
        torch.save({**weights, **limits}, server.models / name)
    torch.save({name: value for name, value in weights.items() if "head" not in name}, server.models / "headless.pt")
    assert server.infer(f"image={LESION}", model_filename="cautious.pt")["indeterminate"] is True
    assert server.infer(f"image={LESION}", model_filename="bold.pt")["indeterminate"] is False
    fields = {"params": json.dumps({"model_filename": "headless.pt"})}
    status, _, content = server.send("POST", f"/infer/rad_vlsm?image={LESION}&output=json", fields=fields)
    assert status == 422 and "do not fit this network: it lacks" in json.loads(content)["detail"]
    assert server.infer(f"image={LESION}")["lesion_found"] is True


def test_the_least_reliable_image_comes_first(server: Server) -> None:
    assert server.ask("POST", "/activelearning/first")["id"] == OTHERS[0]
    assert server.ask("POST", "/activelearning/random")["id"]
    done = server.ask("POST", "/scoring/rad_vlsm_reliability?run_sync=true", body={})
    assert done == {"total": 6, "scored": 6, "failed": 0}
    objects = json.loads((server.studies / "datastore_v2.json").read_text())["objects"]
    scores = {name: entry["image"]["info"]["unreliability"] for name, entry in objects.items()}
    assert 0 <= min(scores.values()) < max(scores.values()) <= 1
    assert scores[server.ask("POST", "/activelearning/least_reliable")["id"]] == max(scores.values())


def test_training_on_saved_masks_teaches_the_segmentation_alone(server: Server) -> None:
    shipped = (BUNDLE / "models" / "model.pt").read_bytes()
    for name in (LESION, *OTHERS):
        mask = (SAMPLES / "training" / "masks" / f"{name}_0.png").read_bytes()
        saved = server.ask("PUT", f"/datastore/label?image={name}&tag=final", fields={}, label=("mask.png", mask))
        assert saved == {"image": name, "label": name}
    request = {"max_epochs": 1, "val_split": 0.25, "image_size": 64, "device": "cpu"}
    assert server.ask("POST", "/train/rad_vlsm?run_sync=true", body=request) == {}

    before = torch.load(server.models / "shipped.pt", weights_only=True)
    after = torch.load(server.models / "model.pt", weights_only=True)
    pairs = {name: (before[name].float(), after[name].float()) for name in before}  # shipped kernels are halved
    changed = {name for name, (old, new) in pairs.items() if not torch.allclose(old, new, rtol=1e-5, atol=1e-6)}
    assert any(name.startswith("mask_decoder") for name in changed)
    assert not {name for name in changed if name.startswith("diagnosis_head") or "running" in name}
    assert (BUNDLE / "models" / "model.pt").read_bytes() == shipped
    assert server.infer(f"image={LESION}")["reliability"] > 0
    assert server.ask("GET", "/info/")["datastore"]["completed"] == 4


def test_a_mask_of_another_size_is_refused(server: Server) -> None:
    mask = (SAMPLES / "training" / "masks" / f"{OTHERS[0]}_0.png").read_bytes()
    server.ask("PUT", "/datastore/label?image=sample&tag=final", fields={}, label=("mask.png", mask))
    request = {"max_epochs": 1, "val_split": 0, "image_size": 64, "device": "cpu"}
    status, _, content = server.send("POST", "/train/rad_vlsm?run_sync=true", body=request)
    assert status == 422 and "but its image has 433 x 578" in json.loads(content)["detail"]
