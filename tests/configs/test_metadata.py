"""metadata.json: valid by the zoo's schema, and true."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import torch
from monai.bundle import ConfigParser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).with_name("meta_schema_20240725.json")


@pytest.fixture(scope="module")
def metadata() -> dict:
    return json.loads((ROOT / "bundle/configs/metadata.json").read_text())


def test_schema_and_changelog(metadata: dict) -> None:
    jsonschema.validate(metadata, json.loads(SCHEMA.read_text()))
    assert metadata["schema"].endswith(SCHEMA.name)
    assert metadata["version"] in metadata["changelog"]


def test_versions_lie_in_the_ranges_of_the_requirements(metadata: dict) -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(name): text for name, text in metadata["required_packages_version"].items()}
    versions |= {
        name: metadata[key]
        for name, key in {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}.items()
    }
    assert {canonicalize_name(requirement.name) for requirement in required} == set(versions)
    for requirement in required:
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement.name


def test_versions_are_what_the_requirements_install(metadata: dict) -> None:
    named = {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}
    versions = metadata["required_packages_version"] | {name: metadata[key] for name, key in named.items()}
    newer, older = [], []
    for name, text in versions.items():
        here = Version(version(name)).public
        if Version(text) > Version(here):
            newer.append(f"{name} {text}, but {here} is installed")
        elif text != here:
            older.append(f"{name} {text}, here {here}")
    # Requirements install what is newest: time may pass metadata.json by, but it cannot run ahead of an installation.
    assert not newer
    if older:
        pytest.skip(f"measured with earlier releases than are installed here: {'; '.join(older)}")


def test_every_channel_has_one_name_in_both_places(metadata: dict) -> None:
    pred = metadata["network_data_format"]["outputs"]["pred"]
    assert sorted(pred["channel_def"]) == [str(channel) for channel in range(pred["num_channels"])]
    for channel, name in pred["channel_def"].items():
        assert f"{channel}: {name}" in metadata["pred_classes"]


def test_the_network_takes_and_gives_what_is_declared(metadata: dict) -> None:
    declared = metadata["network_data_format"]
    image, pred = declared["inputs"]["image"], declared["outputs"]["pred"]
    parser = ConfigParser()
    parser.read_config(ROOT / "bundle/configs/inference.json")
    network = parser.get_parsed_content("network_def").eval()
    with torch.inference_mode():
        output = network(torch.rand(2, image["num_channels"], *image["spatial_shape"]))
    assert list(output.shape) == [2, pred["num_channels"], *pred["spatial_shape"]]
    assert str(output.dtype) == f"torch.{pred['dtype']}"
