"""Several lesions in one image: each has its own answer, and the most suspicious speaks for the image."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Resize, ResizeWithPadOrCrop

from scripts.errors import BundleError
from scripts.findings import DiagnoseLesionsd
from scripts.findings.lesion_answers import separate
from scripts.findings.measurements import connected_parts
from scripts.sites import Classes

CLASSES = Classes(["cyst", "nodule"], positive="nodule")


def ask(parts: int, classes: Classes = CLASSES, **options: Any) -> tuple[dict[str, Any], list[torch.Tensor]]:
    """An item of no to three lesions through the transform, and what its network was asked about."""
    asked: list[torch.Tensor] = []

    def diagnose(image: torch.Tensor, inside: torch.Tensor) -> dict[str, torch.Tensor]:
        asked.append(inside)
        logits = torch.tensor([[0.0, -1.0], [0.0, 3.0], [0.0, 1.0]])[: len(inside)]
        return {"diagnosis_logits": logits, "reliability": torch.full((len(inside), 1), 0.1)}

    mask = torch.zeros(1, 40, 60)
    for number in range(parts):
        mask[0, 5 : 15 - 2 * number, 5 + 20 * number : 15 + 20 * number] = 1
    pred = {
        "diagnosis_logits": torch.tensor([0.0, 0.0]), "reliability": torch.tensor([0.9]),
        "mask_logits": torch.zeros(1, 32, 32),
    }  # fmt: skip
    masks = {"mask": mask if "mask_key" not in options else torch.zeros_like(mask), "mask_gate_off": mask}
    item = {"image": torch.zeros(3, 32, 32), "pred": pred, **masks, "source": {"crop": [0, 0, 40, 60]}}
    return DiagnoseLesionsd(SimpleNamespace(diagnose=diagnose), classes, **options)(item), asked


def test_the_most_suspicious_lesion_speaks_for_the_image() -> None:
    item, asked = ask(3)
    assert len(asked) == 1 and asked[0].shape == (3, 1, 32, 32), "one batch"
    assert item["pred"]["diagnosis_logits"].tolist() == [0.0, 3.0]
    assert float(item["pred"]["reliability"]) == pytest.approx(0.9), "of the united mask"
    assert [float(own["diagnosis_logits"][1]) for own in item["lesion_outputs"]] == [-1.0, 3.0, 1.0]
    assert ask(3, Classes())[0]["pred"]["diagnosis_logits"].tolist() == [0.0, -1.0], "without classes the largest"


def test_a_speck_has_no_say() -> None:
    item, _ = ask(3, speck_share=0.7)  # areas of 100, 80 and 60
    assert [bool(own["speck"]) for own in item["lesion_outputs"]] == [False, False, True]
    assert item["pred"]["diagnosis_logits"].tolist() == [0.0, 3.0]
    assert ask(3, speck_share=0.9)[0]["pred"]["diagnosis_logits"].tolist() == [0.0, -1.0]
    with pytest.raises(BundleError, match="speck_share is 5"):
        ask(3, speck_share=5)


def test_evaluation_asks_about_lesions_that_the_gate_hides() -> None:
    item, _ = ask(3, mask_key="mask_gate_off")
    assert item["pred"]["diagnosis_logits"].tolist() == [0.0, 3.0]


@pytest.mark.parametrize("parts", [0, 1])
def test_one_lesion_or_none_asks_for_nothing_more(parts: int) -> None:
    item, asked = ask(parts)
    assert not asked and "lesion_outputs" not in item and item["pred"]["diagnosis_logits"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(300, 500), (410, 200), (97, 101)])
def test_the_mask_is_cut_up_where_the_lesions_lie(shape: tuple[int, int]) -> None:
    mask = np.zeros((shape[0] + 20, shape[1] + 30), bool)
    first, second = np.zeros_like(mask), np.zeros_like(mask)
    first[7 + 10 : 7 + 60, 11 + 15 : 11 + 75] = True
    second[7 + 70 : 7 + 90, 11 + 80 : 11 + 95] = True
    crop = [7, 11, 7 + shape[0], 11 + shape[1]]
    preprocess = Compose([Resize(64, size_mode="longest", mode="bilinear"), ResizeWithPadOrCrop((64, 64))])
    regions = [torch.from_numpy(lesion[7 : crop[2], 11 : crop[3]])[None].float() for lesion in (first, second)]
    seen = [preprocess(region).as_tensor() for region in regions]
    cut = separate(sum(seen), mask.shape, list(connected_parts(first | second)), crop)
    assert cut.sum(dim=0).allclose(sum(seen), atol=1e-5)
    for own, whole in zip(cut, seen, strict=True):
        assert math.isclose(float(own.sum()), float(whole.sum()), rel_tol=0.1)
        assert float((own - whole).abs().max()) < 0.5


def test_a_lesion_smaller_than_a_pixel_is_asked_about_too() -> None:
    mask = np.zeros((1000, 1000), bool)
    mask[100:400, 100:400] = mask[900:902, 900:902] = True
    cut = separate(torch.zeros(1, 32, 32), mask.shape, list(connected_parts(mask)), [0, 0, 1000, 1000])
    assert (cut > 0.5).flatten(1).any(dim=1).all()
