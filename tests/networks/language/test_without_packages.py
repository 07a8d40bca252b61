"""The rest of the bundle does without the packages of language models."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.errors import BundleError
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
