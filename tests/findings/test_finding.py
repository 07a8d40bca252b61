"""What is told of a lesion follows from the evidence, and from nothing else."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from scripts.findings.finding import DescribeLesiond, KeepPictured


def describe(limits: dict[str, Any] | None = None, spacing: tuple = (), **evidence: Any) -> dict[str, Any]:
    network = SimpleNamespace(
        radiomics=SimpleNamespace(names=["one", "two"]),
        diagnosis_head=SimpleNamespace(
            contributions=lambda values: torch.tensor([-0.5, 0.75]), radiomics_weight=0.5
        ),
        diagnosis_temperature=torch.tensor(2.0),
        prompt_embedding=torch.zeros(4),
        **(limits or {}),
    )
    mask = torch.zeros(1, 20, 30)
    mask[0, 5:10, 10:20] = 1
    pred = {
        "lesion_logit": torch.tensor([2.0]), "diagnosis_logits": torch.tensor([0.0, math.log(4.0)]),
        "reliability": torch.tensor([0.75]), "gated_mask_logits": torch.zeros(1, 8, 8),
        "indeterminate": torch.tensor([0.0]),
        "radiomics": torch.tensor([1.5, float("nan")]), "boxes": torch.arange(8.0).reshape(2, 4),
        "weights": torch.tensor([1.0, 0.0]), "valid": torch.tensor([1.0, 0.0]), "mask_logits": torch.zeros(1, 8, 8),
        "response_map": torch.full((1, 2, 2), 0.5), "fallback": torch.zeros(1), "scores": torch.tensor([0.4, 0.0]),
        "semantic": torch.tensor([0.9, 0.0]), "consistency": torch.tensor([0.8, 0.0]),
        "y_sam": torch.tensor([0.0, 1.0]), "y_rad": torch.tensor([0.0, 0.5]),
    }  # fmt: skip
    pred.update({name: torch.as_tensor(value) for name, value in evidence.items()})
    source = {"spacing": list(spacing), "crop": [0, 0, 20, 30]}
    return DescribeLesiond(network)({"pred": pred, "mask": mask, "source": source, "status": "ok"})


def test_a_lesion_is_told_in_plain_values() -> None:
    item = describe(spacing=(0.5, 0.5))
    result = item["result"]
    assert json.loads(json.dumps(result)) == result
    assert (result["lesion_found"], result["diagnosis"], result["malignancy_probability"]) == (True, "malignant", 0.8)
    assert (result["reliability"], result["indeterminate"], result["area_px"]) == (0.75, False, 50)
    assert result["area_mm2"] == 12.5
    assert result["radiomics"] == {"one": 1.5}  # what cannot be measured is absent
    assert [entry["weight"] for entry in result["evidence"]["candidates"]] == [1.0]  # valid candidates only
    assert result["evidence"]["descriptors"] == [{"name": "one", "value": 1.5, "moves_logit_by": -0.25}]
    evidence = result["evidence"]
    assert (evidence["logits_visual"], evidence["logits_radiomics"]) == ([0.0, 0.5], [0.0, 0.125])  # tempered, weighed
    assert "Research use only" in result["note"]
    assert item["pred"].dtype == torch.uint8 and item["pred"].shape == (20, 30) and int(item["pred"].sum()) == 50


def test_below_the_gate_there_is_no_lesion() -> None:
    item = describe(lesion_logit=[-0.1], reliability=[0.1])
    assert not item["pred"].any()
    result = item["result"]
    assert (result["lesion_found"], result["diagnosis"], result["malignancy_probability"]) == (False, "none", None)
    assert (result["area_px"], result["indeterminate"], result["radiomics"]) == (0, False, {})


def test_the_network_decides_what_is_indeterminate() -> None:
    assert describe(indeterminate=[1.0])["result"]["indeterminate"] is True
    assert describe(indeterminate=[0.0])["result"]["indeterminate"] is False
    assert describe(indeterminate=[1.0], lesion_logit=[-1.0])["result"]["indeterminate"] is False


@pytest.mark.parametrize("name", ["lesion_logit", "diagnosis_logits", "reliability", "gated_mask_logits", "semantic"])
def test_evidence_that_is_no_number_fails_the_item(name: str) -> None:
    values = describe()["result"] and {
        "lesion_logit": [math.nan], "diagnosis_logits": [0.0, math.inf], "reliability": [math.nan],
        "gated_mask_logits": torch.full((1, 8, 8), math.nan), "semantic": [math.nan, 0.0],
    }  # fmt: skip
    item = describe(**{name: values[name]})
    assert (item["status"], item["reason"], item["result"]) == ("failed", "NON_FINITE_OUTPUT", {})


def test_the_kept_picture_is_a_copy_in_bytes() -> None:
    image = torch.tensor([[[0.0, 0.5, 1.0]]])
    item = KeepPictured("image")({"image": image})
    image += 1
    assert item["picture"].tolist() == [[[0, 128, 255]]] and item["picture"].dtype == torch.uint8
