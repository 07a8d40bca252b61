"""A reference from an image and its mask to the masks of other images; each bad reference ends in one sentence."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.errors import BundleError
from scripts.inference import take_reference, without_diagnosis, write_reference
from scripts.sites import load_site

BUNDLE = Path(__file__).parents[2] / "bundle"
Make = Callable[..., ConfigWorkflow]


def draw(path: Path, left: int, color: bool = True, mask: str = "spot") -> Path:
    """A noisy picture with a spot, and its mask beside it."""
    inside = np.zeros((80, 96), bool)
    inside[30:60, left : left + 30] = True
    image = np.random.default_rng(left).integers(40, 60, (80, 96, 3))
    image[inside] += (140, 90, 40) if color else (120, 120, 120)
    image = image if color else image[..., :1].repeat(3, axis=2)
    Image.fromarray(image.astype(np.uint8)).save(path)
    drawn = {"spot": inside, "empty": inside & False, "whole": inside | True, "other size": inside[:40]}.get(mask)
    if drawn is not None:
        Image.fromarray(drawn.astype(np.uint8) * 255).save(path.with_name(f"{path.stem}_mask.png"))
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Pictures to analyse."""
    folder = tmp_path / "images"
    folder.mkdir()
    for left in (50, 20):
        draw(folder / f"{left}.png", left, mask="none")
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_registered_reference_and_its_image_give_the_same_masks_and_no_diagnosis(
    tmp_path: Path, images: Path, weights: dict[bool, Path], make: Make
) -> None:
    shown = draw(tmp_path / "shown.png", 10)
    register = make(images, tmp_path / "registered", weights[True], reference=str(shown), gray=False)
    register.parser.get_parsed_content("register")
    file = tmp_path / "registered" / "reference.pt"
    masks = []
    for folder, reference in (("by file", file), ("by image", shown)):
        make(images, tmp_path / folder, weights[True], reference=str(reference), gray=False, reference_share=0.1).run()
        rows = rows_of(tmp_path / folder)
        assert [row["status"] for row in rows] == ["ok", "ok"] and {row["diagnosis"] for row in rows} == {""}
        masks.append([(tmp_path / folder / row["mask"]).read_bytes() for row in rows])
        settings = json.loads((tmp_path / folder / "summary.json").read_text())["settings"]
        assert len(settings["reference"]) == 64 and settings["gray"] is False
    assert masks[0] == masks[1]
    found = np.asarray(Image.open(tmp_path / "by file" / rows[0]["mask"])) > 0
    assert found[35:55, 25:45].mean() > 0.9 and found[:, 70:].mean() < 0.1, "the spot of 20.png"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mask": "none"}, "has no mask: put .*shown_mask.png.* beside it"),
        ({"mask": "empty"}, "is empty or too small; draw its lesion"),
        ({"mask": "whole"}, "covers its whole image"),
        ({"mask": "other size"}, "has 40 x 96 pixels, but its image has 80 x 96"),
        ({"color": False}, "GRAY_IMAGE the images of this site are coloured"),
    ],
)
def test_a_bad_reference_is_named_in_one_sentence(
    tmp_path: Path, images: Path, weights: dict[bool, Path], make: Make, options: dict, sentence: str
) -> None:
    shown = draw(tmp_path / "shown.png", 10, **options)
    workflow = make(images, tmp_path / "out", weights[True], gray=False)
    transform = workflow.parser.get_parsed_content("reference_preprocessing")
    with pytest.raises((BundleError, RuntimeError)) as raised:
        take_reference(torch.nn.Identity(), str(shown), None, transform, 64, False, 3.0)
    error: BaseException | None = raised.value
    while error is not None and not isinstance(error, BundleError):
        error = error.__cause__ or error.__context__
    assert error is not None and re.search(sentence, str(error))


def test_without_a_reference_register_says_what_it_needs() -> None:
    with pytest.raises(BundleError, match="give images with masks as --reference"):
        write_reference(take_reference(torch.nn.Identity(), None, None, dict, 64, True, 3.0), "out")


def test_a_site_with_a_reference_names_no_class() -> None:
    site = load_site("breast_ultrasound", BUNDLE)
    assert site.classes.names and not without_diagnosis(site).classes.names
