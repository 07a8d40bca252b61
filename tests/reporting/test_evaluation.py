"""The handler: from an evaluator's outputs to its three files."""

import json

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from scripts.errors import BundleError
from scripts.reporting.evaluation import EvaluationReport
from scripts.reporting.evaluation_cases import CaseTable


@pytest.fixture
def items(tmp_path):
    """Two lesions and a normal; each mask a 10 x 20 block of a 40 x 50 image."""
    found = []
    for number, diagnosis in enumerate(("benign", "malignant", "normal")):
        image, label = tmp_path / diagnosis / f"{number}.png", tmp_path / diagnosis / f"{number}_mask.png"
        image.parent.mkdir()
        mask = np.zeros((40, 50), np.uint8)
        mask[10:20, 10:30] = 0 if diagnosis == "normal" else 255
        Image.fromarray(np.full((40, 50), 90, np.uint8)).save(image)
        Image.fromarray(mask).save(label)
        group = {"group": f"set/{number}", "dataset": "set"}
        found.append({"image": str(image), "label": [str(label)], "diagnosis": diagnosis} | group)
    return found


def output(item, emitted, gate_off, malignant_logit=0.0):
    return {
        "image": MetaTensor(torch.zeros(3, 32, 32), meta={"filename_or_obj": item["image"]}),
        "mask": emitted,
        "mask_gate_off": gate_off,
        "pred": {
            "diagnosis_logits": torch.tensor([0.0, malignant_logit]),
            "reliability": torch.tensor([0.7]),
            "lesion_logit": torch.tensor([1.5]),
        },
    }


def run(report, outputs):
    engine = Engine(lambda engine, batch: batch)
    report.attach(engine)
    engine.run([outputs], max_epochs=1)
    return engine


def test_cases_metrics_and_files(items, tmp_path):
    half, empty = torch.zeros(1, 40, 50), MetaTensor(torch.zeros(1, 40, 50))
    half[:, 10:20, 10:20] = 1
    outputs = [output(items[0], half, half, -2), output(items[1], empty, half, 2), output(items[2], empty, half)]
    report = EvaluationReport(items, tmp_path / "out", about={"checkpoint": "model.pt"})
    engine = run(report, outputs)
    assert engine.state.metrics["dice"] == pytest.approx(1 / 3)  # 2/3 and, undetected, 0
    assert engine.state.metrics["dice_gate_off"] == pytest.approx(2 / 3)
    assert engine.state.metrics["normals_with_mask"] == 0
    table = CaseTable.read(tmp_path / "out/cases.csv")
    assert table["image"].tolist() == ["benign/0.png", "malignant/1.png", "normal/2.png"]
    assert table["hd95"][1] == pytest.approx(np.hypot(40, 50)) and np.isnan(table["dice"][2])
    assert table["malignancy_probability"][1] == pytest.approx(1 / (1 + np.exp(-2)))
    assert table.counted_probability[1] == 0
    written = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert written["about"]["checkpoint"] == "model.pt" and written["about"]["images"] == 3
    assert written["strata"]["set/malignant"]["dice"]["value"] == 0
    assert str(tmp_path) not in (tmp_path / "out/evaluation.md").read_text()


def test_a_second_run_and_a_repeated_case_do_not_count_twice(items, tmp_path):
    full = torch.ones(1, 40, 50)
    report = EvaluationReport(items, tmp_path)
    run(report, [output(items[0], full, full), output(items[0], full, full)])
    run(report, [output(items[1], full, full)])
    assert CaseTable.read(tmp_path / "cases.csv")["image"].tolist() == ["malignant/1.png"]


def test_a_mask_on_another_grid_is_named(items, tmp_path):
    wrong = torch.zeros(1, 32, 32)
    with pytest.raises(BundleError, match="benign/0.png.*40 x 50.*32 x 32"):
        run(EvaluationReport(items, tmp_path), [output(items[0], wrong, wrong)])
