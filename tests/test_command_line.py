"""What was typed is what is meant: paths arrive as typed, unknown and empty options are refused by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import monai.bundle.__main__ as entry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from scripts.command_line import heed_command_line, must_be_given
from scripts.errors import BundleError

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
CONFIGS = BUNDLE / "configs"


def heed(*options: str, configs: tuple[str, ...] = ("inference",)) -> dict:
    """The texts that a command's options come to."""
    resolved: dict = {}
    files = str([str(CONFIGS / f"{name}.json") for name in configs])
    heed_command_line(resolved, [entry.__file__, "run", "some_id", "--config_file", files, *options])
    return resolved


NAMES = ["20260115", "2024_01", "a,b", "007", "1e3", "true", "False", "@x", "$x", "run#2", "a::b", "{a}", "./None"]


@pytest.mark.parametrize("name", NAMES)
def test_the_text_typed_is_the_path(name: str) -> None:
    assert heed("--dataset_dir", name, f"--output_dir={name}") == {"dataset_dir": name, "output_dir": name}


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(lambda text: text.strip()))
def test_any_name_in_a_folder_is_the_path(name: str) -> None:
    assert heed("--output_dir", f"./{name}") == {"output_dir": f"./{name}"}


def test_what_a_resolver_knows_is_not_resolved_again() -> None:
    lines = ["$heed(__local_refs)", "@file"]
    parser = ConfigParser({"output_dir": 20260115, "file": "$@output_dir + '/a'", "run": lines})
    parser.globals["heed"] = lambda resolved: resolved.update(output_dir="run#2")
    assert [parser.get_parsed_content(f"run#{line}") for line in (0, 1)] == [None, "run#2/a"]


def test_lists_and_quotes_stay_what_they_were() -> None:
    assert heed("--dataset_dir", "['BUSI','20260115']") == {"dataset_dir": ["BUSI", "20260115"]}
    assert heed("--dataset_dir", "'20260115'", "--weights", "None", configs=("train", "calibrate")) == {
        "dataset_dir": "20260115"
    }
    with pytest.raises(BundleError, match=r"--dataset_dir \[2024, 2025\] is no list of texts: quote each"):
        heed("--dataset_dir", "[2024, 2025]")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--dataset_dr", "There is no option --dataset_dr: did you mean --dataset_dir?"),
        ("--epochs", "There is no option --epochs"),
        ("--network_def#mirorr_def#x", "There is no option"),
        ("--confg_file", "There is no option --confg_file: did you mean --config_file?"),
    ],
)
def test_an_option_that_no_config_knows_is_refused_with_the_nearest(option: str, sentence: str) -> None:
    with pytest.raises(BundleError) as refused:
        heed(option, "1")
    assert str(refused.value).startswith(sentence) and refused.value.exit_code == 2


def test_a_section_has_no_new_ids_either() -> None:
    with pytest.raises(BundleError, match="no option --train::itmes: did you mean --train::items?"):
        heed("--train#itmes", "[]", configs=("train",))


@pytest.mark.parametrize(
    "options",
    [
        ("--train#trainer#max_epochs", "2", "--train::dataloader::pin_memory", "true", "--loss_weights#mask", "2"),
        ("--meta_file", "m.json", "--logging_file", "l", "--run_id", "x", "--init_id", "y", "--final_id", "z"),
        ("--tracking", "mlflow", "--experiment_name", "a", "--workflow_type", "train", "--tracking_uri", "b"),
        ("--sam_trainable", "false", "-batch_size", "2", "--fold", "None", "--+run", "['$1']"),
        ("--loss", "{'_target_': 'x'}", "--loss#y", "1"),
    ],
)
def test_nested_ids_those_of_overlays_and_monais_own_stay(options: tuple[str, ...]) -> None:
    heed(*options, configs=("train", "sam_vit_b"))


@pytest.mark.parametrize("options", [("--dataset_dir",), ("--dataset_dir", ""), ("--dataset_dir", "None")])
@pytest.mark.parametrize("config", ["inference", "train", "align"])
def test_an_empty_folder_never_falls_back_to_the_samples(config: str, options: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match="--dataset_dir (has no value|is None)"):
        heed(*options, configs=(config,))
    with pytest.raises(BundleError, match="--dataset_dir (has no value|is None)"):
        heed(*options, "--output_dir", "out", configs=(config,))


def test_a_none_that_monai_would_drop_is_refused() -> None:
    with pytest.raises(BundleError, match="--weights is None, which MONAI takes as not given"):
        heed("--weights", "None")


def test_inference_has_no_default_folder() -> None:
    with pytest.raises(BundleError, match="name with --dataset_dir a folder of images"):
        must_be_given("dataset_dir", "a folder of images")
    assert "must_be_given" in ConfigParser.load_config_file(CONFIGS / "inference.json")["dataset_dir"]


def test_other_commands_are_left_alone() -> None:
    resolved: dict = {}
    for argv in (["pytest", "--dataset_dr", "x"], [entry.__file__, "verify_metadata", "--x", "1"]):
        heed_command_line(resolved, argv)
    assert resolved == {}


def test_every_config_heeds_the_command_line_right_after_it_reports_errors() -> None:
    for path in CONFIGS.rglob("*.json"):
        for name, lines in ConfigParser.load_config_file(path).items():
            if isinstance(lines, list) and "$report_errors_in_one_sentence()" in lines:
                assert lines[1] == "$heed_command_line(__local_refs)", (path, name)
        imports = ConfigParser.load_config_file(path).get("imports")
        assert imports is None or imports[0] == "$import own_scripts", path


@pytest.mark.slow
def test_from_a_folder_with_scripts_of_its_own_to_a_folder_named_like_a_comment(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("raise RuntimeError('not this one')")
    (tmp_path / "run#2").mkdir()
    begin = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file", f"{CONFIGS}/inference.json"]
    begin += ["--bundle_root", str(BUNDLE), "--output_dir", "out#1", "--image_size", "64", "--num_workers", "0"]
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [*begin, "--dataset_dir", "run#2"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.stderr.splitlines()[-1] == '"run#2" holds no files. Check --dataset_dir.'
    assert ended.returncode == 2
