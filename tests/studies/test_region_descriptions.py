"""Painted lesions and their texts: measured ones are true, others are counted and filtered."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
from scripts.semantics.questions import free_terms
from scripts.studies.region_descriptions import FILE_NAME, write_region_descriptions

LEXICON = make_lexicon()


def load(item):
    rows, columns = np.mgrid[:96, :128]
    mask = ((rows - 30) / 12) ** 2 + ((columns - 40) / 22) ** 2 < 1
    mask |= ((rows - 70) / 8) ** 2 + ((columns - 100) / 10) ** 2 < 1
    image = 0.4 + 0.2 * np.random.default_rng(0).random((96, 128))
    image[mask] *= 0.3
    return {"image": torch.tensor(image[None]), "label": torch.tensor(mask[None])}


def lines(folder):
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()]


def rates(folder):
    return {row["term"]: row["rate"] for row in json.loads((folder / "hallucination.json").read_text())}


def test_measured_texts_are_true_and_the_lesion_is_painted(tmp_path):
    write_region_descriptions([{"image": "a.png"}], load, LEXICON, tmp_path)
    written = lines(tmp_path)
    assert len(written) == 2 and all(line["kept"] and not line["contradictions"] for line in written)
    assert rates(tmp_path)["all"] == 0
    painted = np.array(Image.open(tmp_path / written[0]["painted"]))
    assert painted.shape == (96, 128, 3) and painted[30, 40, 0] > painted[30, 40, 2] and np.ptp(painted[5, 5]) == 0


def test_what_a_model_makes_up_is_counted_by_term_and_left_out(tmp_path):
    texts = iter(["An irregular mass in the upper left, oval no more.", "A malignant mass in the upper left."])
    write_region_descriptions([{"image": "a.png"}], load, LEXICON, tmp_path, lambda _: next(texts), most_false=0.4)
    first, second = lines(tmp_path)
    assert first["said"] == {"quadrant": "upper left"} and first["kept"], "two shapes are none"
    assert second["contradictions"] == {"quadrant": ["upper left", "lower right"]} and not second["kept"]
    assert rates(tmp_path) == {"quadrant": 0.5, "all": 0.5}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A round mass, not parallel to the skin.", {"shape": "round", "orientation": "not parallel"}),
        ("Margin: spiculated.", {"margin": "spiculated"}),
        ("The tissue is heterogeneous.", {"tissue": "heterogeneous"}),
        ("A teapot.", {}),
    ],
)
def test_free_words_are_read_where_they_are_plain(text, terms):
    assert free_terms(LEXICON, text) == terms
