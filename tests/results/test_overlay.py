"""Overlays show the lesion, not a paint job on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from scripts.findings import Finding, Size
from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED
from scripts.results.overlay import draw_overlay
from scripts.results.wording import color_of, extent, heading, looks, numbers
from scripts.sites import Site, load_site
from scripts.writing.drawing import INDETERMINATE_COLOR, mask_image, png_bytes

Find = Callable[..., Finding]
ROWS, COLUMNS = 450, 600


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, ROWS, COLUMNS)).astype(np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return (((y - 200) / 60) ** 2 + ((x - 250) / 110) ** 2 < 1).astype(np.uint8)


def test_the_contour_runs_just_outside_of_the_lesion(
    picture: np.ndarray, mask: np.ndarray, make_finding: Find, site: Site
) -> None:
    shown = np.asarray(draw_overlay(picture, mask, make_finding(mask), site))[:ROWS, :COLUMNS]
    changed = (shown != picture.transpose(1, 2, 0)).any(axis=2)
    assert not changed[mask > 0].any()
    ring = ndimage.binary_dilation(mask, iterations=1) & (mask == 0)
    assert changed[ring].all()
    assert not changed[~ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=4)].any()


def test_colours_are_the_sites_but_for_what_is_indeterminate(
    picture: np.ndarray, mask: np.ndarray, make_finding: Find, site: Site
) -> None:
    ring = ndimage.binary_dilation(mask, iterations=1) & (mask == 0)
    looks = [{"diagnosis": "malignant"}, {"diagnosis": "benign"}, {"flags": (INDETERMINATE,)}]
    expected = [site.colors["malignant"], site.colors["benign"], INDETERMINATE_COLOR]
    for look, color in zip(looks, expected, strict=True):
        shown = np.asarray(draw_overlay(picture, mask, make_finding(mask, **look), site))
        assert tuple(shown[:ROWS][ring][0]) == tuple(color), look


def test_without_a_lesion_the_picture_stays_as_it_is(picture: np.ndarray, make_finding: Find, site: Site) -> None:
    nothing = np.zeros((ROWS, COLUMNS), np.uint8)
    shown = np.asarray(draw_overlay(picture, nothing, make_finding(nothing), site))
    assert (shown[:ROWS] == picture.transpose(1, 2, 0)).all()
    assert shown[ROWS:].max() > 150  # the caption


@pytest.mark.parametrize(("channels", "rows", "columns"), [(3, 64, 64), (1, 64, 900), (1, 1200, 80), (3, 100, 2000)])
def test_any_shape_can_be_drawn(channels: int, rows: int, columns: int, make_finding: Find, site: Site) -> None:
    mask = np.ones((rows, columns), np.uint8)
    drawn = draw_overlay(np.full((channels, rows, columns), 90, np.uint8), mask, make_finding(mask), site)
    assert drawn.mode == "RGB" and drawn.width >= max(columns, 400) and drawn.height > rows


def test_each_lesion_has_the_colour_of_its_diagnosis(picture: np.ndarray, make_finding: Find, site: Site) -> None:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[50:150, 50:200] = mask[250:300, 400:450] = 1
    finding = make_finding(mask)
    benign = replace(finding.lesions[1], diagnosis="benign", probability=0.1)
    finding = replace(finding, lesions=(finding.lesions[0], benign))
    shown = np.asarray(draw_overlay(picture, mask, finding, site))
    assert tuple(shown[49, 100]) == tuple(site.colors["malignant"])
    assert tuple(shown[249, 420]) == tuple(site.colors["benign"])


def test_captions_say_how_large_the_lesion_is_and_what_it_looks_like(make_finding: Find, site: Site) -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[5:25, 5:45] = 1
    lesion = replace(make_finding(mask, spacing=(0.5, 0.5)).lesions[0], caption="shape oval")
    finding = replace(make_finding(mask), lesions=(lesion,))
    assert looks(finding) == "shape oval; measured from the predicted outline"
    assert extent(finding) == f"{lesion.size.long_axis_mm:.1f} x {lesion.size.short_axis_mm:.1f} mm"
    milder = replace(lesion, probability=0.2, size=Size(9), caption="")
    assert extent(replace(finding, lesions=(milder, lesion))).endswith(", the most suspicious of 2 lesions")
    assert looks(make_finding(mask)) == looks(make_finding(mask * 0)) == extent(make_finding(mask)) == ""
    picture = np.full((1, 60, 60), 90, np.uint8)
    short, long = (draw_overlay(picture, mask, told, site) for told in (make_finding(mask), finding))
    assert long.height > short.height


def test_captions_say_what_what_was_found_and_what_to_think_of_it(make_finding: Find, site: Site) -> None:
    mask = np.ones((9, 9), np.uint8)
    assert heading(make_finding(mask, flags=(INDETERMINATE,))) == "Malignant, indeterminate"
    assert heading(make_finding(mask * 0, flags=(NOT_CALIBRATED,))) == "No lesion found, not calibrated"
    assert numbers(make_finding(mask), site) == ["malignancy probability 0.83", "mask reliability 0.70"]
    unnamed = make_finding(mask, diagnosis="", probability=None)
    assert (heading(unnamed), numbers(unnamed, site)) == ("Lesion found", ["mask reliability 0.70"])


def test_a_mask_file_is_eight_bit() -> None:
    with Image.open(io.BytesIO(png_bytes(mask_image(np.eye(8))))) as image:
        assert image.mode == "L" and set(np.unique(image)) == {0, 255} and image.size == (8, 8)


def test_a_lesion_without_a_class_has_a_colour_of_its_own(make_finding: Find) -> None:
    polyps = load_site("polyp_colonoscopy", Path(__file__).parents[2] / "bundle")
    mask = np.zeros((40, 40), np.uint8)
    assert color_of(make_finding(mask, diagnosis="none"), polyps) == tuple(polyps.colors["none"])
    mask[10:20, 10:20] = 1
    assert color_of(make_finding(mask, diagnosis=""), polyps) == tuple(polyps.colors["lesion"])
