"""The shipped default as TorchScript and as ONNX: the same answers as the network itself, on real images."""

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, onnx_export

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
WEIGHTS = BUNDLE / "models" / "model.pt"


@pytest.fixture(scope="module")
def config():
    """configs/inference.json, the network with the shipped weights."""
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    parser["device"] = "$torch.device('cpu')"
    parser["weights"] = str(WEIGHTS)
    return parser


@pytest.fixture(scope="module")
def expected(config):
    """Eight sample images, (8, 3, 160, 160), and what the network says of them, (8, 4, 160, 160)."""
    preprocessing = config.get_parsed_content("preprocessing")
    paths = sorted((BUNDLE / "sample_data" / "dicom").rglob("*.*"))
    paths += sorted((BUNDLE / "sample_data" / "training" / "images").glob("*.png"))
    images = torch.stack([preprocessing({"image": str(path)})["image"].as_tensor() for path in paths[:8]])
    with torch.inference_mode():
        pred = config.get_parsed_content("network").eval()(images)
    assert pred.shape == (8, 4, 160, 160)
    # Lesions and an image without one: both sides of the gate are compared.
    assert 0 < (pred[:, 3, 0, 0] > 0).sum() < 8
    return images, pred


def assert_same(run, images, pred):
    """In one batch and one by one, every channel, to 1e-4."""
    torch.testing.assert_close(run(images), pred, rtol=0, atol=1e-4)
    for image, one in zip(images[:3].split(1), pred[:3].split(1), strict=True):
        torch.testing.assert_close(run(image), one, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_torchscript(expected, tmp_path):
    options = {"config_file": str(BUNDLE / "configs" / "inference.json"), "ckpt_file": str(WEIGHTS)}
    ckpt_export("network_def", filepath=str(tmp_path / "model.ts"), **options)
    exported = torch.jit.load(tmp_path / "model.ts").eval()
    with torch.inference_mode():
        assert_same(exported, *expected)


@pytest.mark.slow
def test_onnx(expected, tmp_path, monkeypatch):
    runtime = pytest.importorskip("onnxruntime")
    monkeypatch.chdir(BUNDLE)
    onnx_export(args_file="configs/onnx_export.json", filepath=str(tmp_path / "model.onnx"))
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    declared = json.loads((BUNDLE / "configs" / "metadata.json").read_text())["network_data_format"]
    assert [given.name for given in session.get_inputs()] == list(declared["inputs"])
    assert [made.name for made in session.get_outputs()] == list(declared["outputs"])
    assert_same(lambda images: torch.from_numpy(session.run(None, {"image": images.numpy()})[0]), *expected)
