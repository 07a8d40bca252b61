"""Invented sites: three classes, other words, colour; and one without classes. No generic code knows of them."""

from __future__ import annotations

import csv
import importlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, run
from PIL import Image

from scripts.errors import BundleError
from scripts.semantics import all_sentences, parse_sentence
from scripts.sites import load_site

GENERIC = ("data", "evaluation", "networks", "semantics", "training")
BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SMALL = {"image_size": 64, "epochs": 1, "batch_size": 4, "num_workers": 0, "device": "$torch.device('cpu')"}
COLORS = {"rust": (200, 80, 20), "mildew": (230, 230, 240), "blight": (60, 40, 30)}

#: The words of a site, as a module of their own.
WORDS = '''
from scripts.semantics import Lexicon, Prompts, measure_lesion


def measure(image, mask, aspect, thresholds):
    return measure_lesion(image, mask, aspect)


def choose(measured, thresholds):
    if not measured["lesions"]:
        return {"lesions": "none"}
    form = "long" if measured["axis_ratio"] < thresholds["long"] else "compact"
    return {"lesions": "one", "form": form, "half": "near" if measured["relative_column"] < 0.5 else "far"}


def make_lexicon():
    return Lexicon(
        terms={"lesions": ("none", "one"), "form": ("long", "compact"), "half": ("near", "far")},
        lesion_terms=("form", "half"),
        slots={
            "form": ("form", {"long": "elongated", "compact": "compact"}),
            "half": ("half", {"near": "near the stem", "far": "near the tip"}),
            "count": ("lesions", {"none": "no spot", "one": "a spot"}),
        },
        lesion_phrasings=("The leaf has {count}, {form}, {half}.", "On the leaf: {count}; {form}; {half}."),
        no_lesion_phrasings=("The leaf is without a spot.",),
        term_phrasings={"lesions": "{count} on the leaf", "form": "a spot, {form}", "half": "a spot {half}"},
        measure=measure,
        choose=choose,
        thresholds={"long": 0.6},
        weighed_terms=("form",),
        mirrored={"half": {"near": "far", "far": "near"}},
        forbidden_stems=("rust", "mildew", "blight"),
    )


def make_prompts():
    fixed = "A spot on a leaf."
    return Prompts(fixed, (fixed, "A {} spot on a leaf."), swaps={"fixed": (fixed,), "shorter": ("A spot.",)})
'''


def describe_site(name: str, names: list[str]) -> dict:
    """The file of a site; without names it has no classes."""
    return {
        "site": {
            "_target_": "scripts.sites.Site",
            "name": name,
            "title": "leaf photographs",
            "classes": {
                "_target_": "scripts.sites.Classes",
                "names": names,
                "positive": "blight" if names else "",
                "absent": "healthy",
                "none": "nothing",
                "probability": "blight_probability",
            },
            "colors": {**{key: list(COLORS[key]) for key in names}, "nothing": [190, 190, 190]},
            "codes": {
                "procedure": ["1", "99LEAF", "Photograph of a leaf"],
                "finding_site": ["2", "99LEAF", "Leaf"],
                "finding": ["3", "99LEAF", "Spot"],
                "probability": ["4", "99LEAF", "Probability of blight"],
                **{key: [str(5 + number), "99LEAF", key.capitalize()] for number, key in enumerate(names)},
            },
            "gray": False,
        },
        "lexicon": {"_target_": "leaf_words.make_lexicon"},
        "prompts": {"_target_": "leaf_words.make_prompts"},
        "augmentation": {
            "alignment": [{"_target_": "RandGaussianNoised", "keys": "image", "prob": 0.5}],
            "training": [{"_target_": "RandGaussianNoised", "keys": "image", "prob": 0.5}],
        },
    }


def draw_leaf(folder: Path, number: int, kind: str) -> dict:
    """A green image with a spot in the colour of its kind, and its item of a data list."""
    rows, columns = np.indices((80, 96))
    mask = ((rows - 40) / (8 + number)) ** 2 + ((columns - 30 - 5 * (number % 6)) / 16) ** 2 < 1
    mask &= kind != "healthy"
    image = np.random.default_rng(number).integers(0, 30, (80, 96, 3)) + (40, 140, 40)
    image[mask] = COLORS.get(kind, (0, 0, 0))
    for name, values in ((f"{number}.png", image), (f"{number}_mask.png", mask * 255)):
        Image.fromarray(values.astype(np.uint8)).save(folder / name)
    return {"image": f"{number}.png", "label": f"{number}_mask.png", "diagnosis": kind}


@pytest.fixture
def leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with configs that know two more sites, and a data set of leaves."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the runs install their own
    shutil.copytree(BUNDLE / "configs", tmp_path / "configs")
    for name, names in {"leaf": ["rust", "mildew", "blight"], "leaf_masks": []}.items():
        (tmp_path / "configs" / "sites" / f"{name}.json").write_text(json.dumps(describe_site(name, names)))
    (tmp_path / "leaf_words.py").write_text(WORDS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "leaf_words", raising=False)

    folder = tmp_path / "leaves"
    folder.mkdir()
    kinds = [*COLORS, "healthy"]
    items = [draw_leaf(folder, number, kinds[number % 4]) for number in range(12)]
    (folder / "datalist.json").write_text(json.dumps({"training": items[:8], "validation": items[8:]}))
    return tmp_path


def run_site(verb: str, configs: list[str], leaves: Path, site: str, folder: str, **options: object) -> Path:
    """One run of the site's bundle; where it wrote."""
    output_dir = leaves / folder
    files = [str(leaves / "configs" / f"{name}.json") for name in configs]
    places = {"bundle_root": str(leaves), "dataset_dir": str(leaves / "leaves"), "output_dir": str(output_dir)}
    run(verb, config_file=files, site=site, **places, **{**SMALL, **options})
    return output_dir


def count_planes(leaves: Path, site: str) -> int:
    """Channels of the network that inference takes for the site."""
    parser = ConfigParser()
    parser.read_config(leaves / "configs" / "inference.json")
    parser.update({"bundle_root": str(leaves), "site": site})
    with torch.no_grad():
        return parser.get_parsed_content("network_def").eval()(torch.rand(1, 3, 64, 64)).shape[1]


@pytest.mark.slow
def test_a_site_of_three_classes_and_other_words_goes_through_every_run(leaves: Path) -> None:
    lexicon = load_site("leaf", leaves).lexicon
    for morphology, sentence in all_sentences(lexicon):
        assert parse_sentence(lexicon, sentence) == morphology and not lexicon.find_forbidden(sentence)

    aligned = run_site("alignment", ["align"], leaves, "leaf", "aligned")
    assert json.loads((aligned / "language.json").read_text())["retrieval"]["images"] == 4
    described = run_site("descriptions", ["align"], leaves, "leaf", "described") / "descriptions.jsonl"
    lines = [json.loads(line) for line in described.read_text().splitlines()]
    assert {line["morphology"]["form"] for line in lines} == {"", "long", "compact"}

    trained = run_site("training", ["train"], leaves, "leaf", "trained", alignment=str(aligned / "last.pt"))
    state = torch.load(trained / "last.pt", weights_only=True)["network"]
    assert state["diagnosis_head.region_classifier.weight"].shape[0] == 3
    assert count_planes(leaves, "leaf") == 5

    weights = str(trained / "last.pt")
    evaluated = run_site("evaluation", ["train", "evaluate"], leaves, "leaf", "evaluated", weights=weights)
    with (evaluated / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert sum(float(row[f"{name}_probability"]) for name in COLORS) == pytest.approx(1, abs=1e-5)
    assert {row["diagnosis"] for row in rows} == {*COLORS, "healthy"}
    page = (evaluated / "evaluation.md").read_text().lower()
    assert "leaves/rust" in page and "## diagnosis" in page
    assert not any(word in page for word in ("benign", "malignan", "breast"))

    inferred = run_site("inference", ["inference"], leaves, "leaf", "inferred", weights=weights)
    with (inferred / "predictions.csv").open(newline="") as file:
        analysed = [row for row in csv.DictReader(file) if row["status"] == "ok"]
    assert len(analysed) == 12 and "blight_probability" in analysed[0]
    assert {row["diagnosis"] for row in analysed} <= {*COLORS, "nothing"}


@pytest.mark.slow
def test_a_site_without_classes_is_trained_and_evaluated_by_its_masks(leaves: Path) -> None:
    listed = json.loads((leaves / "leaves" / "datalist.json").read_text())
    for item in (item for items in listed.values() for item in items):
        if item["diagnosis"] != "healthy":
            del item["diagnosis"]
    (leaves / "leaves" / "datalist.json").write_text(json.dumps(listed))
    trained = run_site("training", ["train"], leaves, "leaf_masks", "trained")
    assert count_planes(leaves, "leaf_masks") == 2
    weights = str(trained / "last.pt")
    evaluated = run_site("evaluation", ["train", "evaluate"], leaves, "leaf_masks", "evaluated", weights=weights)
    whole = json.loads((evaluated / "evaluation.json").read_text())["strata"]["all"]
    assert (whole["lesions"], whole["normals"]) == (3, 1) and "dice" in whole
    assert whole["absent"]["accuracy"] == "needs classes, of which this site has none"
    assert "## Diagnosis" not in (evaluated / "evaluation.md").read_text()
    inferred = run_site("inference", ["inference"], leaves, "leaf_masks", "inferred", weights=weights)
    with (inferred / "predictions.csv").open(newline="") as file:
        assert {row["diagnosis"] for row in csv.DictReader(file) if row["status"] == "ok"} <= {"", "nothing"}


def test_colour_reaches_the_network_where_the_site_is_of_colour(leaves: Path) -> None:
    files = [leaves / "configs" / "train.json"]
    for site, colored in (("leaf", True), ("breast_ultrasound", False)):
        parser = ConfigParser()
        parser.read_config(files)
        parser.update({"bundle_root": str(leaves), "site": site})
        transforms = parser.get_parsed_content("train#preprocessing_transforms")
        item = {"image": torch.rand(3, 8, 8)}
        image = next(part for part in transforms if type(part).__name__ == "EnsureThreeChannelsd")(item)["image"]
        assert bool((image[0] != image[1]).any()) is colored


def test_generic_code_names_no_organ_and_no_class() -> None:
    """Words of the shipped site stand in its lexicon, in the layouts of public sets and in the study of one of them."""
    site = load_site("breast_ultrasound", BUNDLE)
    words = re.compile("|".join([*site.classes.names, "malignan", site.title.split()[0]]), re.IGNORECASE)
    files = [path for folder in GENERIC for path in (BUNDLE / "scripts" / folder).rglob("*.py")]
    naming = [path for path in files if words.search(path.read_text(encoding="utf-8"))]
    assert len(files) > 50
    lexicons = {path.parent.name for path in naming if path.parents[1].name == "lexicons"}
    sites = {path.stem for path in (BUNDLE / "configs" / "sites").glob("*.json")}
    assert site.name in lexicons <= sites
    assert {path.parent.name for path in naming} - lexicons == {"layouts", "lexicons"}


def test_an_unknown_site_is_told_with_those_there_are(leaves: Path) -> None:
    with pytest.raises(BundleError, match='no site "polyp"; choose --site among: breast_ultrasound, leaf, leaf_masks,'):
        load_site("polyp", leaves)
