"""Overlays show the lesion, not a paint job on it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from scripts.results.overlay import draw_overlay
from scripts.writing.drawing import mask_image, png_bytes

ROWS, COLUMNS = 450, 600


def prediction(**changes: Any) -> dict[str, Any]:
    return {
        "lesion_found": True, "diagnosis": "malignant", "malignancy_probability": 0.83, "reliability": 0.7,
        "indeterminate": False, **changes,
    }  # fmt: skip


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, ROWS, COLUMNS)).astype(np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return (((y - 200) / 60) ** 2 + ((x - 250) / 110) ** 2 < 1).astype(np.uint8)


def test_the_contour_runs_just_outside_of_the_lesion(picture: np.ndarray, mask: np.ndarray) -> None:
    shown = np.asarray(draw_overlay(picture, mask, prediction()))[:ROWS, :COLUMNS]
    changed = (shown != picture.transpose(1, 2, 0)).any(axis=2)
    assert not changed[mask > 0].any()
    ring = ndimage.binary_dilation(mask, iterations=1) & (mask == 0)
    assert changed[ring].all()
    assert not changed[~ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=4)].any()


def test_diagnoses_differ_in_colour(picture: np.ndarray, mask: np.ndarray) -> None:
    ring = ndimage.binary_dilation(mask, iterations=1) & (mask == 0)
    looks = [{}, {"diagnosis": "benign"}, {"indeterminate": True}]
    colors = {tuple(np.asarray(draw_overlay(picture, mask, prediction(**look)))[:ROWS][ring][0]) for look in looks}
    assert len(colors) == 3


def test_without_a_lesion_the_picture_stays_as_it_is(picture: np.ndarray) -> None:
    told = prediction(lesion_found=False, diagnosis="none", malignancy_probability=None)
    shown = np.asarray(draw_overlay(picture, np.zeros((ROWS, COLUMNS)), told))
    assert (shown[:ROWS] == picture.transpose(1, 2, 0)).all()
    assert shown[ROWS:].max() > 150  # the caption


@pytest.mark.parametrize(("channels", "rows", "columns"), [(3, 64, 64), (1, 64, 900), (1, 1200, 80), (3, 100, 2000)])
def test_any_shape_can_be_drawn(channels: int, rows: int, columns: int) -> None:
    drawn = draw_overlay(np.full((channels, rows, columns), 90, np.uint8), np.ones((rows, columns)), prediction())
    assert drawn.mode == "RGB" and drawn.width >= max(columns, 400) and drawn.height > rows


def test_a_mask_file_is_eight_bit() -> None:
    with Image.open(io.BytesIO(png_bytes(mask_image(np.eye(8))))) as image:
        assert image.mode == "L" and set(np.unique(image)) == {0, 255} and image.size == (8, 8)
