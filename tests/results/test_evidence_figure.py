"""Evidence figures can be read: where the response is, each candidate's weight, and what moved the diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scripts.findings import Candidate, Descriptor, Evidence, Finding
from scripts.findings.finding import INDETERMINATE
from scripts.radiomics import NAMES
from scripts.radiomics.color import COLOR_NAMES
from scripts.radiomics.titles import TITLES, title_of
from scripts.results import evidence_figure
from scripts.results.evidence_figure import draw_evidence, moves
from scripts.sites import Classes, Site
from scripts.writing.drawing import INDETERMINATE_COLOR

ROWS, COLUMNS, PANEL = 100, 200, 320 + 8
PICTURE = np.full((1, ROWS, COLUMNS), 90, np.uint8)
MASK = np.zeros((ROWS, COLUMNS), np.uint8)
MASK[25:62, 50:100] = 1
DESCRIPTORS = [Descriptor("texture_cluster_shade", 3.0, -0.7), Descriptor("shape_solidity", 0.8, 0.4)]


def believe(*candidates: tuple[list[float], float]) -> Evidence:
    told = [Candidate(box, 0.5, 0.5, 0.5, weight) for box, weight in candidates]
    return Evidence(1.0, False, 2.0, [0.0, 0.0], [0.0, 0.0], 1.0, told, DESCRIPTORS)


def test_the_figure_shows_the_response_and_the_boxes(make_finding: Callable[..., Finding], site: Site) -> None:
    response = np.zeros((8, 16), np.uint8)
    response[2:5, 4:8] = 255
    evidence = believe(([50, 25, 100, 62], 0.9), ([150, 60, 190, 95], 0.1), ([0, 0, 40, 0], 0.0))
    finding = make_finding(MASK, response=response, evidence=evidence)
    figure = np.asarray(draw_evidence(PICTURE, MASK, [0, 0, ROWS, COLUMNS], finding, site)).astype(int)
    plain, heat, boxes, contour = (figure[8:168, 8 + n * PANEL : 8 + n * PANEL + 320] for n in range(4))
    assert (plain == 90).all()
    hot = np.abs(heat - 90).sum(axis=2) > 60
    assert hot[60, 90] and not hot[140, 300], "colour where the response is, none elsewhere"
    changed = np.abs(boxes - 90).sum(axis=2) > 60
    assert changed[40:99, 80].mean() > 0.8 and changed[100:150, 240].mean() > 0.8, "both boxes are drawn"
    assert (np.abs(contour - 90).sum(axis=2) > 60).any()


def test_each_outline_has_the_colour_of_its_lesion(make_finding: Callable[..., Finding], site: Site) -> None:
    mask = MASK.copy()
    mask[70:80, 150:170] = 1
    finding = make_finding(mask, evidence=believe())
    small = replace(finding.lesions[1], diagnosis="benign", probability=0.1)
    figure = np.asarray(
        draw_evidence(PICTURE, mask, [0, 0, ROWS, COLUMNS], replace(finding, lesions=(finding.lesions[0], small)), site)
    )[8:168, 8 + 3 * PANEL :]
    for name, (left, right) in {"malignant": (0, 200), "benign": (200, 320)}.items():
        at = (figure == np.array(site.colors[name])).all(axis=-1)
        assert at[:, left:right].any() and not at[:, :left].any() and not at[:, right:].any(), name


def test_the_outline_has_the_colour_of_its_class(make_finding: Callable[..., Finding], site: Site) -> None:
    looks = [({"diagnosis": name}, tuple(site.colors[name])) for name in site.classes.names]
    for look, color in [*looks, ({"flags": (INDETERMINATE,)}, INDETERMINATE_COLOR)]:
        finding = make_finding(MASK, evidence=believe(), **look)
        figure = np.asarray(draw_evidence(PICTURE, MASK, [0, 0, ROWS, COLUMNS], finding, site))
        assert (figure[8:168, 8 + 3 * PANEL :] == color).all(axis=2).any(), look


@pytest.mark.parametrize("rows", [12, 100, 600])
def test_no_words_lie_on_others_or_on_a_picture(
    rows: int, make_finding: Callable[..., Finding], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five candidates of nearly the same box and weight, on flat and on tall images."""
    written: list[tuple[float, float, float, float]] = []
    text = ImageDraw.ImageDraw.text

    def write(draw: Any, place: tuple[float, float], words: str, **how: Any) -> None:
        written.append(draw.textbbox(place, words, font=how["font"]))
        text(draw, place, words, **how)

    monkeypatch.setattr(evidence_figure.ImageDraw.ImageDraw, "text", write)
    mask = np.zeros((rows, COLUMNS), np.uint8)
    mask[2:8, 20:60] = 1
    evidence = believe(*(([20.0 + n, 2, 60 + n, 8], 0.2) for n in range(5)))
    finding = make_finding(mask, evidence=evidence, flags=(INDETERMINATE,))
    picture = np.full((1, rows, COLUMNS), 90, np.uint8)
    figure: Image.Image = draw_evidence(picture, mask, [0, 0, rows, COLUMNS], finding, site)
    assert len(written) == 4 + 6 + 1 + 2 + 1  # panels, weights, numbers, both directions, the notice
    for number, (left, top, right, bottom) in enumerate(written):
        assert left >= 0 and right <= figure.width and top >= 8 + rows * 320 / COLUMNS and bottom <= figure.height
        for others in written[:number]:
            apart = right <= others[0] or others[2] <= left or bottom <= others[1] or others[3] <= top
            assert apart, (written[number], others)


def test_directions_are_words_and_no_number_is_negative() -> None:
    assert moves(DESCRIPTORS, Classes(["benign", "malignant"], positive="malignant")) == [
        "Moved towards benign: asymmetry of texture clusters 0.70",
        "Moved towards malignant: solidity of outline 0.40",
    ]
    three = Classes(["a", "b", "c"], positive="b")
    assert [line.split(":")[0] for line in moves(DESCRIPTORS, three)] == ["Moved away from b", "Moved towards b"]


def test_every_descriptor_has_a_title_of_its_own() -> None:
    assert set(TITLES) == {*NAMES, *COLOR_NAMES} and len(set(TITLES.values())) == len(TITLES)
    assert not any("_" in title for title in TITLES.values())
    assert title_of("a_new_one") == "a new one"
