"""The small model of the bundle is what its command makes, and knows no word of diagnosis."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "bundle" / "models" / "small_language"


def test_the_small_model_has_a_configuration_and_a_tokenizer_and_no_weights():
    assert {path.name for path in FOLDER.iterdir()} == {"config.json", "tokenizer.json", "tokenizer_config.json"}
    tokens = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert "<SEG>" in tokens and not [token for token in tokens if "malign" in token or "benign" in token]


def test_the_command_makes_it_again(tmp_path):
    pytest.importorskip("transformers", reason="needs requirements-language.txt")
    from scripts.networks.language import write_small_model
    from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
    from scripts.semantics.questions import training_texts

    write_small_model(training_texts(make_lexicon()), tmp_path)
    made, kept = (json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"] for folder in (tmp_path, FOLDER))
    assert made == kept
