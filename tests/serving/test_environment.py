"""MONAI Label's environment holds less than the bundle's: what it runs must do without the rest.

Only ``test_live_server.py`` runs in that environment, where it is installed; this runs everywhere.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "bundle"
WITHOUT = """
import sys

class Without:
    # Finds what is absent as little as Python would: torch asks for packages that it does without.
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {absent} else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Without, sys.meta_path)
"""
TRAINING = """
from monai.bundle import run

run("training", config_file="configs/train.json", bundle_root=".", output_dir=sys.argv[1], image_size=64, epochs=1,
    batch_size=4, num_workers=0, device="$torch.device('cpu')", init_weights="models/model.pt", freeze_norms=True)
"""
#: What MONAI Label asks inference.json for.
ANSWERING = """
from monai.bundle import ConfigParser
from monai.inferers import Inferer

parser = ConfigParser()
parser.read_config("configs/inference.json")
parser.update({"bundle_root": ".", "device": "$torch.device('cpu')"})
item = {"image": sys.argv[1], "image_path": sys.argv[1]}
for transform in parser.get_parsed_content("pre_transforms"):
    item = transform(item)
network = parser.get_parsed_content("network").eval()
answer = parser.get_parsed_content("inferer")(item["image"][None], network)
item["pred"] = {name: value[0] for name, value in answer.items()}
for transform in parser.get_parsed_content("post_transforms"):
    item = transform(item)
assert item["result"]["lesion_found"], item["result"]
"""


def packages(file: str) -> set[str]:
    """Names of the packages that a requirements file lists."""
    lines = (ROOT / file).read_text().splitlines()
    return {name_of(line) for line in lines if re.match(r"\w", line)}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def with_dependencies(names: set[str]) -> set[str]:
    """These packages and all that they require."""
    known, new = set(), set(names)
    while new:
        name = new.pop()
        known.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        new |= {name_of(line) for line in needed if "extra ==" not in line} - known
    return known


@pytest.fixture(scope="module")
def absent() -> list[str]:
    """Modules of requirements.txt that MONAI Label's environment need not have."""
    missing = packages("requirements.txt") - with_dependencies(packages("requirements-monailabel.txt"))
    modules = packages_distributions().items()
    found = sorted(module for module, owners in modules if {name_of(owner) for owner in owners} & missing)
    assert {"highdicom", "radiomics", "segment_anything"} <= set(found) and "torch" not in found
    return found


@pytest.mark.parametrize("what", ["training", "answering"])
def test_monai_label_needs_no_package_that_its_environment_lacks(what, absent, tmp_path):
    image = next((BUNDLE / "sample_data" / "training" / "images").glob("*malignant*.png"))
    code, argument = (TRAINING, tmp_path) if what == "training" else (ANSWERING, image)
    command = [sys.executable, "-c", WITHOUT.format(absent=absent) + code, str(argument)]
    done = subprocess.run(command, cwd=BUNDLE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
