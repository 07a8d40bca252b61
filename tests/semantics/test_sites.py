"""The lexicons of every site: sentences that write and read, no word of diagnosis, terms that follow the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.semantics import all_sentences, describe_lesion, parse_sentence
from scripts.semantics.measures.color import COLORS
from scripts.sites import Site, load_site

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
NAMES = sorted(path.stem for path in (BUNDLE / "configs" / "sites").glob("*.json"))
SKIN, BROWN, BLACK, PALE = (0.85, 0.65, 0.55), COLORS["dark brown"], COLORS["black"], (0.95, 0.9, 0.9)


def draw(inside: tuple, outside: tuple, height: float = 40, width: float = 30, notch: bool = False) -> tuple:
    """An ellipse on ground of another colour, image (3, 160, 200) and mask; ``notch`` cuts a quarter out."""
    rows, columns = np.indices((160, 200))
    mask = ((rows - 80) / height) ** 2 + ((columns - 100) / width) ** 2 < 1
    if notch:
        mask &= ~((rows < 80) & (columns > 100))
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 160, 200))
    picture = np.where(mask, np.array(inside)[:, None, None], np.array(outside)[:, None, None]) + noise
    return picture.clip(0.01, 1).astype(np.float32), mask


@pytest.fixture(params=NAMES)
def any_site(request: pytest.FixtureRequest) -> Site:
    return load_site(request.param, BUNDLE)


def test_every_sentence_reads_back_and_names_no_diagnosis(any_site: Site) -> None:
    lexicon = any_site.lexicon
    seen = 0
    for morphology, sentence in all_sentences(lexicon):
        assert parse_sentence(lexicon, sentence) == morphology
        assert not lexicon.find_forbidden(sentence)
        seen += 1
    assert seen > 100


def test_every_site_asks_without_naming_a_class(any_site: Site) -> None:
    prompts, lexicon = any_site.prompts, any_site.lexicon
    assert prompts.fixed in prompts.lesion
    assert not any(lexicon.find_forbidden(text) for text in prompts.lesion)
    swapped = {text for kind, texts in prompts.swaps.items() if kind != "fixed" for text in texts}
    assert not swapped & {*prompts.lesion, *prompts.other} - {""}
    assert set(any_site.classes.names) <= set(prompts.class_words)


def test_every_site_describes_a_lesion_and_its_absence(any_site: Site) -> None:
    picture, mask = draw(BROWN, SKIN)
    assert describe_lesion(picture, mask, any_site.lexicon).morphology["lesions"] == "one"
    nothing = describe_lesion(picture, mask & False, any_site.lexicon).morphology
    assert nothing["lesions"] == "none" and not any(nothing[term] for term in any_site.lexicon.lesion_terms)


def test_skin_is_described_by_asymmetry_border_and_colours() -> None:
    lexicon = load_site("skin_dermoscopy", BUNDLE).lexicon
    picture, mask = draw(BROWN, SKIN)
    plain = describe_lesion(picture, mask, lexicon).morphology
    assert (plain["asymmetry"], plain["border"], plain["colors"], plain["hue"]) == (
        "symmetric", "abrupt", "one", "dark brown",
    )  # fmt: skip
    picture, mask = draw(BROWN, SKIN, notch=True)
    picture[:, 80:] = np.where(mask[80:], np.array(BLACK)[:, None, None], picture[:, 80:])
    odd = describe_lesion(picture, mask, lexicon).morphology
    assert (odd["asymmetry"], odd["colors"]) == ("asymmetric in two axes", "two")


def test_a_polyp_is_described_against_its_mucosa() -> None:
    lexicon = load_site("polyp_colonoscopy", BUNDLE).lexicon
    red, pale = (0.75, 0.3, 0.25), (0.8, 0.6, 0.5)
    picture, mask = draw(red, pale)
    one = describe_lesion(picture, mask, lexicon).morphology
    assert (one["shape"], one["contrast"], one["color"], one["place"]) == ("oval", "darker", "redder", "centre")
    moved = describe_lesion(np.roll(picture, (40, 60), (1, 2)), np.roll(mask, (40, 60), (0, 1)), lexicon).morphology
    assert moved["place"] == "lower right"
    assert lexicon.mirror(moved)["place"] == "lower left"


def test_a_thyroid_nodule_is_described_by_its_echoes_and_proportions() -> None:
    lexicon = load_site("thyroid_ultrasound", BUNDLE).lexicon
    picture, mask = draw((0.3,) * 3, (0.5,) * 3)
    tall = describe_lesion(picture, mask, lexicon).morphology
    assert (tall["shape"], tall["echogenicity"], tall["composition"]) == ("taller than wide", "hypoechoic", "solid")
    picture, mask = draw((0.01,) * 3, (0.5,) * 3, 30, 40)
    wide = describe_lesion(picture, mask, lexicon).morphology
    assert (wide["shape"], wide["echogenicity"], wide["composition"]) == ("wider than tall", "anechoic", "cystic")
