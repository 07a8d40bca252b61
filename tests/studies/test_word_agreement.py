"""Agreement of words, counted by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from scripts.errors import BundleError
from scripts.sites import Site
from scripts.studies import WordAgreement
from scripts.studies.word_agreement import cohens_kappa


def test_kappa_is_agreement_beyond_chance() -> None:
    # Equal in 7 of 10; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    assert cohens_kappa("aaaaabbbbb", "aaaabaabbb") == pytest.approx((0.7 - 0.5) / 0.5)
    assert cohens_kappa("abab", "abab") == 1
    assert math.isnan(cohens_kappa("aaa", "aaa"))


def test_each_lesion_is_described_from_both_outlines(site: Site, tmp_path: Path) -> None:
    """Of three images one has no drawn lesion; in one of the others the lesions lie in other quadrants."""
    drawn, predicted = torch.zeros(3, 1, 80, 80), torch.zeros(3, 1, 80, 80)
    drawn[0, 0, 10:30, 10:35] = drawn[1, 0, 10:30, 10:35] = 1
    predicted[0, 0, 10:30, 10:35] = predicted[1, 0, 10:30, 50:75] = predicted[2, 0, 10:30, 10:35] = 1
    noise = np.random.default_rng(0).integers(50, 200, (80, 80)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "image.png")
    image = MetaTensor(torch.zeros(3, 32, 32), meta={"filename_or_obj": str(tmp_path / "image.png")})
    items = [{"label": mask, "dataset": "any"} for mask in drawn]
    outputs = [{"image": image, "mask": mask} for mask in predicted]
    engine = SimpleNamespace(state=SimpleNamespace(batch=items, output=outputs))
    report = WordAgreement(site.lexicon, tmp_path / "out")
    report.start(engine)
    report.measure(engine)
    report.finish(engine)
    rows = {row["term"]: row for row in json.loads((tmp_path / "out" / "words.json").read_text())}
    assert list(rows) == list(site.lexicon.terms)
    assert (rows["quadrant"]["any: lesions"], rows["quadrant"]["any: agreement"]) == (2, 0.5)
    assert rows["shape"]["any: agreement"] == 1.0


def test_without_words_there_is_nothing_to_compare(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--site"):
        WordAgreement(None, tmp_path)
    report = WordAgreement(site.lexicon, tmp_path)
    with pytest.raises(BundleError, match="no words"):
        report.finish(SimpleNamespace())
