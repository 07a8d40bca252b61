"""configs/evaluate.json on the sample list, from random weights to its files."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.evaluation.cases import CaseTable
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"


def evaluation(**overrides):
    """A workflow of an evaluation, ready to run."""
    made = ConfigWorkflow(
        config_file=[str(BUNDLE / f"configs/{name}.json") for name in ("train", "evaluate")],
        workflow_type="train",
        bundle_root=str(BUNDLE),
        num_workers=0,
        device="$torch.device('cpu')",
        **{"image_size": 64, **overrides},
    )
    made.initialize()
    return made


def cases_of(output_dir, **overrides):
    """What an evaluation writes into ``cases.csv``."""
    made = evaluation(output_dir=str(output_dir), **overrides)
    made.run()
    made.finalize()
    return CaseTable.read(output_dir / "cases.csv", CLASSES)


@pytest.fixture
def workflow(tmp_path):
    torch.manual_seed(0)
    return evaluation(output_dir=str(tmp_path / "out"), weights=str(tmp_path / "random.pt"))


def test_evaluation_of_the_sample_list(workflow, tmp_path):
    assert workflow.check_properties() == []
    network = workflow.parser.get_parsed_content("network_def")
    torch.save(network.state_dict(), tmp_path / "random.pt")
    workflow.run()
    workflow.finalize()
    listed = json.loads((BUNDLE / "sample_data/training/datalist.json").read_text())["validation"]
    table = CaseTable.read(tmp_path / "out/cases.csv", CLASSES)
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
    tables = {
        calibrated: cases_of(
            tmp_path / str(calibrated), dataset_dir=str(tmp_path), weights=str(weights), calibrated=calibrated
        )
        for calibrated in (True, False)
    }
    state = torch.load(weights, weights_only=True)
    temperature, threshold, spread = (
        float(state[name]) for name in ("diagnosis_temperature", "evidence_threshold", "evidence_temperature")
    )
    assert temperature != 1
    logits = {name: np.log(p / (1 - p)) for name, p in ((n, t["malignancy_probability"]) for n, t in tables.items())}
    assert logits[True] == pytest.approx(logits[False] / temperature, rel=1e-3)
    assert not tables[False]["indeterminate"].any()
    # A threshold that was not fitted is that of training, and stays.
    expected = tables[True]["lesion_evidence"] * spread + (threshold if spread != 1 else 0)
    # Where a mask has no pixels the evidence is -1 at most.
    vanished = np.any([table["lesion_evidence"] == -1 for table in tables.values()], axis=0)
    assert vanished.sum() < len(vanished) / 2
    np.testing.assert_allclose(tables[False]["lesion_evidence"][~vanished], expected[~vanished], atol=1e-4)


def test_a_dicom_frame_is_evaluated_as_inference_sees_it(tmp_path, make_dicom, save_dicom, make_region):
    """What lies around the B-mode region changes nothing but the sizes of frame and areas."""
    samples = BUNDLE / "sample_data" / "training"
    plain, framed = [], []
    for i, item in enumerate(json.loads((samples / "datalist.json").read_text())["validation"][:2]):
        plain.append(item | {"image": str(samples / item["image"]), "label": str(samples / item["label"][0])})
        image, label = (np.asarray(Image.open(plain[-1][key]).convert("L")) for key in ("image", "label"))
        rows, columns = image.shape
        region = make_region(30, 50, 29 + rows, 49 + columns)
        wide = np.pad(image, ((30, 10), (50, 20)), constant_values=200)
        save_dicom(make_dicom(wide, SequenceOfUltrasoundRegions=[region]), f"{i}.dcm")
        Image.fromarray(np.pad(label, ((30, 10), (50, 20)))).save(tmp_path / f"{i}.png")
        framed.append(item | {"image": str(tmp_path / f"{i}.dcm"), "label": str(tmp_path / f"{i}.png")})
    tables = []
    for listed in (plain, framed):
        (tmp_path / "datalist.json").write_text(json.dumps({"validation": listed}))
        table = cases_of(tmp_path / "out", dataset_dir=str(tmp_path))
        tables.append(table.select(np.argsort(table["group"])))
    for name in ("dice_gate_off", "lesion_evidence", "malignancy_probability", "predicted_area_px", "true_area_px"):
        assert tables[1][name] == pytest.approx(tables[0][name], abs=1e-5), name
    assert (tables[0]["dice_gate_off"] > 0.5).any()


def test_evaluation_judges_the_answer_that_inference_reports(tmp_path):
    """Of several lesions the most suspicious; pictures with two of them are made of two pictures each."""
    samples, pictures = BUNDLE / "sample_data" / "training", tmp_path / "pictures"
    pictures.mkdir()
    pairs = [("busi_benign_13", "busi_malignant_4"), ("busi_malignant_13", "busi_benign_20"), ("busi_normal_2",)]
    for names in pairs:
        sides = [Image.open(samples / f"images/{name}.png").convert("L").resize((300, 300)) for name in names]
        Image.fromarray(np.hstack(sides)).save(pictures / f"{'_'.join(names)}.png")
        drawn = np.zeros((300, 300 * len(names)), np.uint8)
        drawn[100:200, 100:200] = 255
        Image.fromarray(drawn).save(tmp_path / f"{'_'.join(names)}.png")
    paths = sorted(pictures.iterdir())
    listed = [
        {"image": str(path), "label": str(tmp_path / path.name), "diagnosis": "benign", "group": path.name}
        for path in paths
    ]
    (tmp_path / "datalist.json").write_text(json.dumps({"validation": listed}))
    options = {"weights": str(BUNDLE / "models/model.pt"), "image_size": 160}
    cases = cases_of(tmp_path / "cases", dataset_dir=str(tmp_path), **options)
    inference = ConfigWorkflow(
        str(BUNDLE / "configs/inference.json"), bundle_root=str(BUNDLE), dataset_dir=str(pictures),
        output_dir=str(tmp_path / "out"), num_workers=0, num_writers=0, device="$torch.device('cpu')", **options,
    )  # fmt: skip
    inference.initialize()
    inference.run()
    with (tmp_path / "out/predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lesions = (tmp_path / "out/lesions.csv").read_text()
    assert any(f"\n{path.name},0,,1," in lesions for path in paths), "no picture has two lesions"
    for case, row in zip(np.argsort(cases["group"]), rows, strict=True):
        assert row["lesion_found"] == ("true" if cases["lesion_found"][case] else "false")
        if cases["lesion_found"][case]:
            for column in ("malignancy_probability", "reliability"):
                assert float(row[column]) == pytest.approx(cases[column][case], abs=1e-4), column
            assert row["indeterminate"] == ("true" if cases["indeterminate"][case] else "false")
