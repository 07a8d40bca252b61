"""The multi_gpu configs in two processes on the CPU: what one process finds, from the same list of odd length."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.evaluation.cases import CaseTable
from scripts.networks.checkpoints import read_checkpoint
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[1] / "bundle").classes

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SAMPLES = BUNDLE / "sample_data" / "training"
SMALL = {"image_size": 128, "batch_size": 2, "num_workers": 0}
#: Appended to a training: each rank writes what it ended with.
WITNESS = {
    "+run": [
        "$torch.save({'network': @network.state_dict(), 'metrics': dict(@validate#evaluator.state.metrics)},"
        " @output_dir + f'/rank{get_rank()}.pt')"
    ]
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """The sample list without one of its validation images: five are no two equal shares."""
    folder = tmp_path_factory.mktemp("dataset")
    listed = json.loads((SAMPLES / "datalist.json").read_text())
    for item in listed["training"] + listed["validation"]:
        item["image"], item["label"] = str(SAMPLES / item["image"]), [str(SAMPLES / name) for name in item["label"]]
    listed["validation"] = listed["validation"][1:]
    (folder / "datalist.json").write_text(json.dumps(listed))
    return folder


def in_two_processes(run_id, configs, **overrides):
    """A run as a user starts it, from the repository's root."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
    command += ["monai.bundle", "run", run_id, "--bundle_root", str(BUNDLE)]
    command += ["--config_file", str(list(map(str, configs)))]
    command += [text for name, value in {**SMALL, **overrides}.items() for text in (f"--{name}", str(value))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(command, cwd=BUNDLE.parent, env=environment, capture_output=True, text=True, timeout=540)
    assert ended.returncode == 0, ended.stderr[-3000:]


def in_one_process(*configs, **overrides):
    workflow = ConfigWorkflow(
        config_file=[str(BUNDLE / "configs" / f"{name}.json") for name in configs],
        workflow_type="train",
        bundle_root=str(BUNDLE),
        device="$torch.device('cpu')",
        **{**SMALL, **overrides},
    )
    workflow.initialize()
    return workflow


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """One epoch from the shipped weights."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "witness.json").write_text(json.dumps(WITNESS))
    configs = [BUNDLE / "configs/train.json", BUNDLE / "configs/multi_gpu_train.json", folder / "witness.json"]
    weights = BUNDLE / "models" / "model.pt"
    options = {"epochs": 1, "warmup_epochs": 0, "learning_rate": 1e-4, "init_weights": weights}
    in_two_processes("training", configs, dataset_dir=dataset, output_dir=folder, **options)
    return folder


@pytest.mark.slow
def test_training(trained, dataset, tmp_path):
    ranks = [torch.load(trained / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    start = read_checkpoint(BUNDLE / "models" / "model.pt")
    network = in_one_process("train", dataset_dir=str(dataset)).parser.get_parsed_content("network_def")
    learned = [name for name, _ in network.named_parameters()]
    assert all(torch.equal(ranks[0]["network"][name], ranks[1]["network"][name]) for name in learned)
    assert any(not torch.equal(ranks[0]["network"][name], start[name]) for name in learned)

    # The moving average was saved under the network's own names, and is what was validated: every case once.
    options = {"dataset_dir": str(dataset), "output_dir": str(tmp_path), "init_weights": str(trained / "model.pt")}
    evaluator = in_one_process("train", **options).parser.get_parsed_content("validate#evaluator")
    evaluator.run()
    for rank in ranks:
        assert rank["metrics"] == pytest.approx(evaluator.state.metrics, abs=1e-5)
    assert 0 < ranks[0]["metrics"]["val_mean_dice"] < 1


@pytest.mark.slow
def test_evaluation(trained, dataset, tmp_path):
    options = {"dataset_dir": str(dataset), "weights": str(trained / "model.pt")}
    configs = [BUNDLE / f"configs/{name}.json" for name in ("train", "evaluate", "multi_gpu_evaluate")]
    in_two_processes("evaluation", configs, output_dir=tmp_path / "two", **options)
    in_one_process("train", "evaluate", output_dir=str(tmp_path / "one"), **options).run()
    one, two = (CaseTable.read(tmp_path / name / "cases.csv", CLASSES) for name in ("one", "two"))
    assert len(two) == 5 and list(two["image"]) == list(one["image"])
    for column in ("dice", "hd95", "malignancy_probability", "reliability"):
        assert list(two[column]) == pytest.approx(list(one[column]), abs=1e-4, nan_ok=True)
    reports = [json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("one", "two")]
    for name, found in reports[0]["strata"]["all"].items():
        if isinstance(found, dict) and "value" in found:
            assert reports[1]["strata"]["all"][name]["value"] == pytest.approx(found["value"], abs=1e-4), name


@pytest.mark.slow
def test_a_closed_loop_learns_the_same_in_both_processes(dataset, tmp_path):
    pytest.importorskip("transformers", reason="needs requirements-language.txt")
    witness = {"+language": ["$torch.save(@begun.loop_state(), @output_dir + f'/rank{distributed.get_rank()}.pt')"]}
    (tmp_path / "witness.json").write_text(json.dumps(witness))
    configs = [BUNDLE / f"configs/{name}.json" for name in ("inference", "language", "multi_gpu_language")]
    options = {"dataset_dir": dataset, "image_size": 64, "epochs": 1, "train_batch_size": 4, "val_interval": 100}
    in_two_processes("language", [*configs, tmp_path / "witness.json"], output_dir=tmp_path, **options)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in ranks[0])
    saved = torch.load(tmp_path / "closed_loop.pt", weights_only=True)
    start = read_checkpoint(BUNDLE / "models" / "model.pt")
    name = "mask_decoder.mask_tokens.weight"
    assert torch.equal(saved[name], ranks[0][name].half()) and not torch.equal(ranks[0][name], start[name])
