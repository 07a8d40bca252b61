"""configs/evaluate.json on the sample list, from random weights to its files."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.reporting.evaluation_cases import CaseTable

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"


@pytest.fixture
def workflow(tmp_path):
    torch.manual_seed(0)
    workflow = ConfigWorkflow(
        config_file=[str(BUNDLE / f"configs/{name}.json") for name in ("train", "evaluate")],
        workflow_type="train",
        bundle_root=str(BUNDLE),
        output_dir=str(tmp_path / "out"),
        weights=str(tmp_path / "random.pt"),
        image_size=64,
        num_workers=0,
        device="$torch.device('cpu')",
    )
    workflow.initialize()
    return workflow


def test_evaluation_of_the_sample_list(workflow, tmp_path):
    assert workflow.check_properties() == []
    network = workflow.parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), tmp_path / "random.pt")
    workflow.run()
    workflow.finalize()
    listed = json.loads((BUNDLE / "sample_data/training/datalist.json").read_text())["validation"]
    table = CaseTable.read(tmp_path / "out/cases.csv")
    assert sorted(table["diagnosis"]) == sorted(item["diagnosis"] for item in listed)
    assert all((table["true_area_px"] > 0) == table.is_lesion)
    written = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert written["strata"]["all"]["dice"]["value"] == pytest.approx(table["dice"][table.is_lesion].mean())
    assert written["about"]["section"] == "validation"
    assert (tmp_path / "out/worst.png").is_file()
    with (tmp_path / "out/radiomics.csv").open(newline="") as file:
        described = list(csv.DictReader(file))
    assert [row["image"] for row in described] == table["image"].tolist()
    assert list(described[0])[4:] == list(network.radiomics.names)
    assert (tmp_path / "out/evaluation.md").read_text().startswith("# Evaluation")


def test_weights_can_be_evaluated_without_their_calibration(tmp_path):
    weights = BUNDLE / "models" / "model.pt"
    # A hospital's folder may have nothing to train with.
    samples = BUNDLE / "sample_data" / "training"
    listed = json.loads((samples / "datalist.json").read_text())["validation"]
    for item in listed:
        item["image"], item["label"] = str(samples / item["image"]), [str(samples / mask) for mask in item["label"]]
    (tmp_path / "datalist.json").write_text(json.dumps({"validation": listed}))
    tables = {}
    for calibrated in (True, False):
        made = ConfigWorkflow(
            config_file=[str(BUNDLE / f"configs/{name}.json") for name in ("train", "evaluate")],
            workflow_type="train",
            bundle_root=str(BUNDLE),
            dataset_dir=str(tmp_path),
            output_dir=str(tmp_path / str(calibrated)),
            weights=str(weights),
            calibrated=calibrated,
            image_size=64,
            num_workers=0,
            device="$torch.device('cpu')",
        )
        made.initialize()
        made.run()
        made.finalize()
        tables[calibrated] = CaseTable.read(tmp_path / str(calibrated) / "cases.csv")
    temperature = float(torch.load(weights, weights_only=True)["diagnosis_temperature"])
    assert temperature != 1
    logits = {name: np.log(p / (1 - p)) for name, p in ((n, t["malignancy_probability"]) for n, t in tables.items())}
    assert logits[True] == pytest.approx(logits[False] / temperature, rel=1e-3)
    assert not tables[False]["indeterminate"].any()
    # The evidence of these weights was not fitted: their threshold stays.
    for name in ("lesion_evidence", "lesion_found", "dice"):
        np.testing.assert_array_equal(tables[False][name], tables[True][name])
