"""The rest of the bundle does without the packages of language models."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from scripts.errors import BundleError
from scripts.networks import ClosedLoop
from scripts.networks.encoders.blocks import standardize
from scripts.networks.language import load_language_model

BUNDLE = Path(__file__).resolve().parents[3] / "bundle"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BundleError, match="needs the package transformers: install it with: pip install -r"):
        load_language_model("anything")


def test_the_networks_import_no_language_package():
    code = (
        "import sys; sys.modules['transformers'] = sys.modules['peft'] = sys.modules['tokenizers'] = None; "
        "import scripts.networks.closed_loop, scripts.semantics.questions, scripts.training.language, "
        "scripts.inference.answering, scripts.studies.region_descriptions"
    )
    subprocess.run([sys.executable, "-c", code], cwd=BUNDLE, check=True)


def test_features_are_those_of_inference_from_the_first_image_on(make_network):
    language = SimpleNamespace(width=8, tokenizer_digest=lambda: "00" * 32)
    images, expected = torch.rand(2, 3, 64, 64), make_network().eval()
    loop = ClosedLoop(make_network().train(), language)
    features = loop.encode(images)
    with torch.no_grad():
        for name, values in zip(features, expected.image_encoder(standardize(images)), strict=True):
            torch.testing.assert_close(features[name], values)
    assert all(torch.equal(a, b) for a, b in zip(loop.base.buffers(), expected.buffers(), strict=True))
    assert not loop.train().base.training
