"""The words of a predicted outline are those of the same outline in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.semantics import DescribeLesiond, LesionWords, parse_sentence
from scripts.sites import Site


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (1, 120, 160)).astype(np.uint8)


def test_a_predicted_outline_is_described_as_a_drawn_one(picture: np.ndarray, site: Site) -> None:
    mask = np.zeros((120, 160), bool)
    mask[40:60, 30:90] = True
    picture[0, mask] //= 4
    sentence, caption, words = LesionWords(site.lexicon)(picture, mask, (0.1, 0.2))
    item = {"image": torch.from_numpy(picture / 255.0), "label": torch.from_numpy(mask)[None].float()}
    drawn = DescribeLesiond(site.lexicon)({**item, "source": {"spacing": [0.1, 0.2]}})
    assert sentence == drawn["description"] and parse_sentence(site.lexicon, sentence)["shape"] == words["shape"]
    assert words == {name: value for name, value in drawn["morphology"].items() if name != "lesions"}
    assert caption.startswith(f"shape {words['shape']}, orientation {words['orientation']}, margin ")
    assert site.lexicon.find_forbidden(f"{sentence} {caption}") == []


def test_nothing_is_said_without_a_lexicon_or_of_an_outline_too_odd(picture: np.ndarray, site: Site) -> None:
    mask = np.ones((120, 160), bool)
    assert LesionWords(None)(picture, mask, ()) == ("", "", {})
    assert LesionWords(site.lexicon)(picture, mask[:5], ()) == ("", "", {})
