"""Overlays show the lesion, not a paint job on it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from scripts.findings import Finding
from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED
from scripts.results.overlay import draw_overlay
from scripts.results.wording import heading, numbers
from scripts.sites import Site
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


def test_captions_say_what_was_found_and_what_to_think_of_it(make_finding: Find, site: Site) -> None:
    mask = np.ones((9, 9), np.uint8)
    assert heading(make_finding(mask, flags=(INDETERMINATE,))) == "Malignant, indeterminate"
    assert heading(make_finding(mask * 0, flags=(NOT_CALIBRATED,))) == "No lesion found, not calibrated"
    assert numbers(make_finding(mask), site) == ["malignancy probability 0.83", "mask reliability 0.70"]
    unnamed = make_finding(mask, diagnosis="", probability=None)
    assert (heading(unnamed), numbers(unnamed, site)) == ("Lesion found", ["mask reliability 0.70"])


def test_a_mask_file_is_eight_bit() -> None:
    with Image.open(io.BytesIO(png_bytes(mask_image(np.eye(8))))) as image:
        assert image.mode == "L" and set(np.unique(image)) == {0, 255} and image.size == (8, 8)
