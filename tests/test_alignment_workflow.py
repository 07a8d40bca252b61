"""Stage 1 through its config, on the sample images: alignment, the tower alone, stage 2 from it, and the study."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import run

from scripts.training import PrepareAlignmentBatch

BUNDLE = Path(__file__).parents[1] / "bundle"
SMALL = {"bundle_root": str(BUNDLE), "image_size": 64, "epochs": 1, "batch_size": 4, "num_workers": 0}


def configs(*names: str) -> list[str]:
    return [str(BUNDLE / "configs" / f"{name}.json") for name in names]


@pytest.mark.slow
def test_both_stages_and_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the runs install their own
    first, second, study = (str(tmp_path / name) for name in ("0", "1", "study"))
    run("alignment", config_file=configs("align"), output_dir=first, **SMALL)
    language = json.loads((tmp_path / "0" / "language.json").read_text())
    assert 0 <= language["retrieval"]["R@5"] <= 1 and "chance@5" in language["retrieval"]
    run("text_tower_alone", config_file=configs("align"), bundle_root=str(BUNDLE), output_dir=first)

    stage_1 = {"alignment": f"{first}/last.pt", "text_tower_weights": f"{first}/text_tower.pt"}
    run("training", config_file=configs("train"), output_dir=second, **SMALL, **stage_1)
    aligned = torch.load(f"{first}/last.pt", weights_only=True)["ema"]
    trained = torch.load(f"{second}/last.pt", weights_only=True)["network"]
    pe = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    assert torch.equal(aligned[pe], trained[pe]), "stage 2 starts from stage 1"

    weights = {"weights": f"{second}/last.pt", "output_dir": study}
    run("study", config_file=configs("train", "study"), **SMALL, **stage_1, **weights)
    responses = json.loads((tmp_path / "study" / "responses.json").read_text())
    assert [row["response map"] for row in responses] == ["similarity", "Grad-CAM"]
    prompts = json.loads((tmp_path / "study" / "prompts.json").read_text())
    assert prompts[0]["prompt"] == "fixed" and prompts[0]["probability moves by"] < 0.02
    assert {path.name for path in (tmp_path / "study").glob("*.md")} == {
        "candidates.md", "prompts.md", "reliability.md", "responses.md"
    }  # fmt: skip


def test_words_become_numbers_and_shuffled_words_travel_with_theirs() -> None:
    lexicon = {"shape": ("oval", "irregular"), "size": ("small", "large")}
    batch = {
        "image": torch.zeros(3, 3, 8, 8),
        "label": torch.zeros(3, 1, 8, 8),
        "asked": torch.tensor([1.0, 0.0, 1.0]),
        "morphology": {"shape": ["irregular", "oval", ""], "size": ["small", "large", ""]},
        "description": ["a", "b", "c"],
        "prompt": ["x", "y", "z"],
    }
    terms = ["oval", "irregular", "small", "large"]
    _, target, (texts, prompts, given), _ = PrepareAlignmentBatch(lexicon, terms)(batch)
    assert target["morphology"].tolist() == [[1, 0], [0, 1], [-1, -1]]
    assert (texts, prompts, given) == (["a", "b", "c"], ["x", "y", "z"], terms)
    _, target, (texts, _, _), _ = PrepareAlignmentBatch(lexicon, terms, shuffled=True)(batch)
    assert target["morphology"].tolist() == [[0, 1], [-1, -1], [1, 0]] and texts == ["b", "c", "a"]
