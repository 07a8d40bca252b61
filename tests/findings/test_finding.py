"""What is told of a lesion follows from the network's outputs, and from nothing else."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from scripts.findings import Descriptor, KeepPictured, MakeFindingd, Size, read_answer
from scripts.sites import Classes, Site

CLASSES = Classes(["cyst", "nodule"], positive="nodule")


def make(spacing: tuple = (), calibrated: bool = True, classes: Classes = CLASSES, **outputs: Any) -> dict[str, Any]:
    network = SimpleNamespace(
        radiomics=SimpleNamespace(names=["one", "two"]),
        diagnosis_head=SimpleNamespace(
            contributions=lambda values: torch.tensor([-0.5, 0.75]), radiomics_weight=0.5
        ),
        diagnosis_temperature=torch.tensor(2.0),
        prompt_embedding=torch.zeros(4),
        is_calibrated=lambda: calibrated,
    )
    mask = outputs.pop("mask", None)
    if mask is None:
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
    pred.update({name: torch.as_tensor(value) for name, value in outputs.items()})
    source = {"spacing": list(spacing), "crop": [0, 0, 20, 30]}
    site = Site("any", "any", classes, {}, {})
    return MakeFindingd(network, site)({"pred": pred, "mask": mask, "source": source, "status": "ok"})


def test_a_lesion_is_told_in_plain_values() -> None:
    item = make(spacing=(0.5, 0.5))
    finding = item["finding"]
    assert (finding.found, finding.diagnosis, finding.probability) == (True, "nodule", 0.8)
    assert (finding.mask_reliability, finding.indeterminate, finding.flags) == (0.75, False, ())
    assert finding.size == Size(50, 12.5, 5.59, 4.47)
    assert finding.radiomics == {"one": 1.5}  # what cannot be measured is absent
    evidence = finding.evidence
    assert json.loads(json.dumps(asdict(evidence), allow_nan=False)) == asdict(evidence)
    assert [candidate.weight for candidate in evidence.candidates] == [1.0]  # valid candidates only
    assert evidence.descriptors == [Descriptor("one", 1.5, -0.25)]
    assert (evidence.logits_visual, evidence.logits_radiomics) == ([0.0, 0.5], [0.0, 0.125])  # tempered, weighed
    assert item["pred"].dtype == torch.uint8 and item["pred"].shape == (20, 30) and int(item["pred"].sum()) == 50


def test_each_part_of_the_mask_is_a_lesion() -> None:
    mask = torch.zeros(1, 20, 30)
    mask[0, 1:3, 2:4] = mask[0, 5:10, 10:20] = 1
    finding = make(mask=mask, spacing=(1.0, 1.0))["finding"]
    parts = [(lesion.box, lesion.size.area_px) for lesion in finding.lesions]
    assert parts == [((5, 10, 10, 20), 50), ((1, 2, 3, 4), 4)]
    assert finding.size.area_px == 54 and finding.size.long_axis_mm == finding.lesions[0].size.long_axis_mm
    assert all(lesion.mask.all() and lesion.diagnosis == "nodule" for lesion in finding.lesions)
    again = pickle.loads(pickle.dumps(finding))  # on its way to the processes that write files
    assert (again.mask == finding.mask).all() and asdict(again.evidence) == asdict(finding.evidence)


def test_a_speck_does_not_speak_for_the_image() -> None:
    mask = torch.zeros(1, 20, 30)
    mask[0, 1:3, 2:4] = mask[0, 5:10, 10:20] = 1
    finding = make(mask=mask)["finding"]
    large, small = replace(finding.lesions[0], probability=0.2), replace(finding.lesions[1], probability=0.9)
    assert replace(finding, lesions=(large, small)).most_suspicious is small
    assert replace(finding, lesions=(large, replace(small, flags=("speck",)))).most_suspicious is large


def test_below_the_gate_there_is_no_lesion() -> None:
    item = make(lesion_logit=[-0.1], reliability=[0.1])
    assert not item["pred"].any()
    finding = item["finding"]
    assert (finding.found, finding.diagnosis, finding.probability) == (False, "none", None)
    assert (finding.size.area_px, finding.indeterminate, finding.radiomics) == (0, False, {})
    assert finding.evidence.descriptors == []


def test_the_network_decides_what_is_indeterminate() -> None:
    assert make(indeterminate=[1.0])["finding"].indeterminate is True
    assert make(indeterminate=[0.0])["finding"].indeterminate is False
    assert make(indeterminate=[1.0], lesion_logit=[-1.0])["finding"].indeterminate is False


@pytest.mark.parametrize("logit", [2.0, -2.0])
def test_without_calibration_nobody_knows_what_is_indeterminate(logit: float) -> None:
    finding = make(calibrated=False, indeterminate=[1.0], lesion_logit=[logit])["finding"]
    assert (finding.calibrated, finding.indeterminate, finding.flags) == (False, None, ("not calibrated",))


def test_a_site_may_have_more_classes_or_none() -> None:
    three = Classes(["a", "b", "c"], positive="b", none="nothing")
    finding = make(classes=three, diagnosis_logits=[0.0, 0.0, math.log(2.0)])["finding"]
    assert (finding.diagnosis, finding.probability) == ("c", 0.25)
    assert make(classes=three, diagnosis_logits=[0.0] * 3, lesion_logit=[-1.0])["finding"].diagnosis == "nothing"
    finding = make(classes=Classes(), diagnosis_logits=[])["finding"]
    assert (finding.found, finding.diagnosis, finding.probability) == (True, "", None)


def test_evaluation_reads_the_same_answer() -> None:
    outputs = {
        "diagnosis_logits": torch.tensor([0.0, math.log(4.0)]), "indeterminate": torch.tensor([1.0]),
        "reliability": torch.tensor([0.75]), "lesion_logit": torch.tensor([2.0]),
    }  # fmt: skip
    answer = read_answer(outputs, CLASSES)
    assert answer.probability == pytest.approx(0.8) and answer.diagnosis == "nodule" and answer.finite
    assert (answer.indeterminate, answer.mask_reliability, answer.lesion_logit) == (True, 0.75, 2.0)
    assert not read_answer(outputs | {"reliability": torch.tensor([math.nan])}, CLASSES).finite


@pytest.mark.parametrize("name", ["lesion_logit", "diagnosis_logits", "reliability", "gated_mask_logits", "semantic"])
def test_an_output_that_is_no_number_fails_the_item(name: str) -> None:
    values = {
        "lesion_logit": [math.nan], "diagnosis_logits": [0.0, math.inf], "reliability": [math.nan],
        "gated_mask_logits": torch.full((1, 8, 8), math.nan), "semantic": [math.nan, 0.0],
    }  # fmt: skip
    item = make(**{name: values[name]})
    assert (item["status"], item["reason"], "finding" in item) == ("failed", "NON_FINITE_OUTPUT", False)


def test_the_kept_picture_is_a_copy_in_bytes() -> None:
    image = torch.tensor([[[0.0, 0.5, 1.0]]])
    item = KeepPictured("image")({"image": image})
    image += 1
    assert item["picture"].tolist() == [[[0, 128, 255]]] and item["picture"].dtype == torch.uint8
