"""The handler: from an evaluator's outputs to its files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from scripts.errors import BundleError
from scripts.evaluation.cases import CaseTable
from scripts.evaluation.report import EvaluationReport
from scripts.evaluation.worst_cases import PREDICTED_COLOR, TRUE_COLOR, WorstCases
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes

ROOT = "/lists/set"


def item(number, diagnosis):
    """A 40 x 50 image; its mask a block of 10 x 20 pixels, or empty."""
    label = torch.zeros(1, 40, 50)
    label[:, 10:20, 10:30] = diagnosis != "normal"
    path = f"{ROOT}/{diagnosis}/{number}.png"
    return {"label": label, "diagnosis": diagnosis, "group": f"set/{number}", "dataset": "set", "path": path}


ITEMS = [item(0, "benign"), item(1, "malignant"), item(2, "normal")]


def output(item, emitted, gate_off, malignant_logit=0.0):
    return {
        "image": MetaTensor(torch.zeros(3, 32, 32), meta={"filename_or_obj": item["path"]}),
        "mask": emitted,
        "mask_gate_off": gate_off,
        "pred": {
            "diagnosis_logits": torch.tensor([0.0, malignant_logit]),
            "indeterminate": torch.tensor([1.0]),
            "reliability": torch.tensor([0.7]),
            "lesion_logit": torch.tensor([1.5]),
        },
    }


def run(report, items, outputs):
    engine = Engine(lambda engine, batch: outputs)
    report.attach(engine)
    engine.run([items], max_epochs=1)
    return engine


def test_cases_metrics_and_files(tmp_path):
    half, empty = torch.zeros(1, 40, 50), MetaTensor(torch.zeros(1, 40, 50))
    half[:, 10:20, 10:20] = 1
    outputs = [output(ITEMS[0], half, half, -2), output(ITEMS[1], empty, half, 2), output(ITEMS[2], empty, half)]
    engine = run(EvaluationReport(tmp_path / "out", about={"weights": "model.pt"}, classes=CLASSES), ITEMS, outputs)
    assert engine.state.metrics["dice"] == pytest.approx(1 / 3)  # 2/3 and, undetected, 0
    assert engine.state.metrics["dice_gate_off"] == pytest.approx(2 / 3)
    assert engine.state.metrics["normals_with_mask"] == 0
    table = CaseTable.read(tmp_path / "out/cases.csv", CLASSES)
    assert table["image"].tolist() == ["benign/0.png", "malignant/1.png", "normal/2.png"]
    assert table["hd95"][1] == pytest.approx(np.hypot(40, 50)) and np.isnan(table["dice"][2])
    assert table["malignancy_probability"][1] == pytest.approx(1 / (1 + np.exp(-2)))
    assert table.counted_probability[1] == 0
    written = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert written["about"]["weights"] == "model.pt" and written["about"]["images"] == 3
    assert written["strata"]["set/malignant"]["dice"]["value"] == 0
    assert "| set/malignant | 1 | 0.000 | 0.667 |" in (tmp_path / "out/evaluation.md").read_text()


def test_a_second_run_and_a_repeated_case_do_not_count_twice(tmp_path):
    full = torch.ones(1, 40, 50)
    report = EvaluationReport(tmp_path, classes=CLASSES)
    run(report, [ITEMS[0], ITEMS[0]], [output(ITEMS[0], full, full)] * 2)
    run(report, [ITEMS[1]], [output(ITEMS[1], full, full)])
    assert CaseTable.read(tmp_path / "cases.csv", CLASSES)["image"].tolist() == ["1.png"]


def test_a_mask_on_another_grid_is_named(tmp_path):
    wrong = torch.zeros(1, 32, 32)
    with pytest.raises(BundleError, match="benign/0.png.*40 x 50.*32 x 32"):
        run(EvaluationReport(tmp_path, classes=CLASSES), [ITEMS[0]], [output(ITEMS[0], wrong, wrong)])


def test_an_output_that_is_not_finite_stops_the_evaluation():
    full = torch.ones(1, 40, 50)
    with pytest.raises(BundleError, match="benign/0.png.*not finite"):
        run(EvaluationReport("unused", classes=CLASSES), [ITEMS[0]], [output(ITEMS[0], full, full, float("nan"))])


def test_the_worst_cases_are_drawn_with_both_outlines_worst_first(tmp_path):
    items = [item(i, "benign") | {"path": str(tmp_path / f"{i}.png")} for i in range(3)]
    for i in range(3):
        Image.fromarray(np.full((40, 50), 100, dtype=np.uint8)).save(tmp_path / f"{i}.png")
    empty, half, full = torch.zeros(1, 40, 50), torch.zeros(1, 40, 50), items[0]["label"]
    half[:, 10:20, 10:20] = 1
    outputs = [output(items[i], mask, mask) for i, mask in enumerate((full, empty, half))]
    report = WorstCases(tmp_path / "out", number=2)
    run(report, items, outputs)
    assert [path[-5:] for path in report.worst] == ["1.png", "2.png"]
    sheet = np.array(Image.open(tmp_path / "out/worst.png"))

    def shows(color, tile):
        return (np.abs(sheet[:, tile * 300 : (tile + 1) * 300].astype(int) - color).max(axis=2) < 12).any()

    assert shows(TRUE_COLOR, 0) and not shows(PREDICTED_COLOR, 0), "nothing was found in the worst"
    assert shows(PREDICTED_COLOR, 1) and sheet[:, 600:].max() == 0
