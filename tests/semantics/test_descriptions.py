"""Descriptions as a transform and as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, list_data_collate
from monai.transforms import Compose, Flipd
from PIL import Image

from scripts.errors import BundleError
from scripts.semantics import (
    DescribeLesiond,
    Morphology,
    RandMirrord,
    RandPhrased,
    parse_sentence,
    read_descriptions,
    write_descriptions,
    write_sentence,
)
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon

LEXICON = make_lexicon()
CONFIG = Path(__file__).parents[2] / "bundle" / "configs" / "align.json"


def make_item(radius: float = 12.0, channels: int = 1) -> dict:
    """A dark disc in the upper left of an image of 64 x 96."""
    rows, columns = np.indices((64, 96))
    mask = np.hypot(rows - 20, columns - 30) < radius
    image = torch.from_numpy(np.where(mask, 0.2, 0.5).astype(np.float32)).expand(channels, -1, -1)
    return {"image": MetaTensor(image), "label": MetaTensor(torch.from_numpy(mask.astype(np.float32))[None])}


def test_transform_adds_sentence_terms_and_measurements() -> None:
    described = DescribeLesiond(LEXICON, phrasing=2)(make_item(channels=3))
    morphology = Morphology(LEXICON, described["morphology"])
    assert (morphology["shape"], morphology["quadrant"], morphology["echo"]) == ("round", "upper left", "hypoechoic")
    assert parse_sentence(LEXICON, described["description"]) == morphology
    assert described["measurements"]["axis_ratio"] > 0.95


def test_words_follow_the_image() -> None:
    flip = Compose([Flipd(keys=["image", "label"], spatial_axis=1), DescribeLesiond(LEXICON)])
    assert flip(make_item())["morphology"]["quadrant"] == "upper right"


def test_phrasing_is_random_and_repeatable() -> None:
    described, transform = DescribeLesiond(LEXICON)(make_item()), RandPhrased(LEXICON)

    def draw_ten(seed: int) -> list[str]:
        transform.set_random_state(seed=seed)
        return [transform(described)["description"] for _ in range(10)]

    first = draw_ten(0)
    assert draw_ten(0) == first and len(set(first)) > 3
    assert len({parse_sentence(LEXICON, sentence) for sentence in first}) == 1


def test_a_mirrored_item_is_described_as_mirrored() -> None:
    described = DescribeLesiond(LEXICON)(make_item())
    mirrored = RandMirrord(LEXICON, keys=["image", "label"], prob=1.0)(described)
    again = DescribeLesiond(LEXICON)({"image": mirrored["image"], "label": mirrored["label"]})
    assert mirrored["morphology"] == again["morphology"] != described["morphology"]
    sentence = RandPhrased(LEXICON, phrasing=3)(mirrored)["description"]
    assert parse_sentence(LEXICON, sentence)["quadrant"] == "upper right"


def test_described_items_collate() -> None:
    batch = list_data_collate([DescribeLesiond(LEXICON)(make_item()), DescribeLesiond(LEXICON)(make_item(0))])
    assert len(batch["description"]) == 2 and batch["morphology"]["lesions"] == ["one", "none"]


def test_spacing_of_the_source_is_used() -> None:
    described = DescribeLesiond(LEXICON)({**make_item(), "source": {"spacing": [0.1, 0.2]}})
    assert described["measurements"]["depth_to_width"] == pytest.approx(0.5, abs=0.05)


def test_labels_that_contradict_their_masks() -> None:
    item = make_item(radius=0)
    item["label"].meta["filename_or_obj"] = "benign (3)_mask.png"
    with pytest.raises(BundleError, match=r'mask "benign \(3\)_mask.png" is empty, but its diagnosis is benign'):
        DescribeLesiond(LEXICON)({**item, "diagnosis": "benign"})
    with pytest.raises(BundleError, match="is not empty, but its diagnosis is normal"):
        DescribeLesiond(LEXICON)({**make_item(), "diagnosis": "normal", "group": "busi/1"})
    assert DescribeLesiond(LEXICON)({**item, "diagnosis": "normal"})["morphology"]["lesions"] == "none"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled list of one lesion and one image without, in two sections."""
    sections = {}
    for section, radius, diagnosis in (("training", 12, "malignant"), ("validation", 0, "normal")):
        item = make_item(radius)
        for name, values in (("image", item["image"]), ("label", item["label"])):
            Image.fromarray((values[0].numpy() * 255).astype(np.uint8)).save(tmp_path / f"{section}_{name}.png")
        sections[section] = [
            {
                "image": f"{section}_image.png",
                "label": [f"{section}_label.png"],
                "diagnosis": diagnosis,
                "group": section,
            }
        ]
    (tmp_path / "datalist.json").write_text(json.dumps(sections))
    return tmp_path


def test_run_descriptions_of_the_config(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.excepthook", __import__("sys").excepthook)  # the run installs its own
    parser = ConfigParser()
    parser.read_config(CONFIG)
    folders = {"bundle_root": CONFIG.parents[1], "dataset_dir": folder, "output_dir": tmp_path / "out"}
    parser.update({name: str(path) for name, path in folders.items()})
    parser.get_parsed_content("descriptions")
    lesion, normal = read_descriptions(tmp_path / "out" / "descriptions.jsonl")
    assert lesion["section"] == "training" and lesion["group"].endswith("/training")
    assert parse_sentence(LEXICON, lesion["description"]) == lesion["morphology"]
    assert lesion["diagnosis"] == "malignant" and not LEXICON.find_forbidden(lesion["description"])
    assert normal["morphology"]["lesions"] == "none" and normal["description"].startswith("No focal lesion")


def test_a_failing_item_leaves_no_file(tmp_path: Path) -> None:
    def fail(item: dict) -> dict:
        raise BundleError("An item is wrong.")

    with pytest.raises(BundleError):
        write_descriptions({"training": [{"image": "a.png"}]}, fail, tmp_path)
    with pytest.raises(BundleError, match='Write it first with the run "descriptions"'):
        read_descriptions(tmp_path / "descriptions.jsonl")
    (tmp_path / "descriptions.jsonl").write_text('{"image": "a.png"}\n')
    with pytest.raises(BundleError, match="line 1 is no description"):
        read_descriptions(tmp_path / "descriptions.jsonl")


def test_a_list_may_bring_its_own_words() -> None:
    described = DescribeLesiond(LEXICON)(make_item())
    told = write_sentence(LEXICON, {**described["morphology"], "margin": "spiculated"}, 2)
    read = DescribeLesiond(LEXICON)({**make_item(), "description": told})
    assert read["morphology"] == {**described["morphology"], "margin": "spiculated"} and not read["own_description"]

    free = DescribeLesiond(LEXICON)({**make_item(), "description": "Left of the nipple, a lobulated shadow."})
    assert free["morphology"] == described["morphology"]
    mirrored = RandMirrord(LEXICON, keys=["image", "label"], prob=1.0)(free)
    assert RandPhrased(LEXICON)(mirrored)["description"] == "Right of the nipple, a lobulated shadow."
    with pytest.raises(BundleError, match='description of "busi/1" names a diagnosis \\("malign"\\)'):
        DescribeLesiond(LEXICON)({**make_item(), "description": "A malignant mass.", "group": "busi/1"})
