"""Sizes against shapes whose measures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scripts.findings.finding import Size
from scripts.findings.measurements import connected_parts, lesion_axes, measure_size


def ellipse(rows: int, columns: int, half_long: float, half_short: float, degrees: float) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns] - np.array([rows / 2, columns / 2]).reshape(2, 1, 1)
    along = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    across = y * math.cos(math.radians(degrees)) - x * math.sin(math.radians(degrees))
    return ((along / half_long) ** 2 + (across / half_short) ** 2 <= 1).astype(np.uint8)


def test_a_rectangle_with_unequal_spacing() -> None:
    mask = np.zeros((40, 50), np.uint8)
    mask[5:15, 10:30] = 255
    size = measure_size(mask, [0.3, 0.2])  # 3 mm high, 4 mm wide
    assert size.area_px == 200
    assert size.area_mm2 == pytest.approx(12.0)
    assert size.long_axis_mm == pytest.approx(5.0)  # its diagonal
    assert size.short_axis_mm == pytest.approx(2 * 3 * 4 / 5, abs=0.01)  # both corners' distances from it


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_an_ellipse_in_any_direction(degrees: float) -> None:
    long_axis, short_axis = lesion_axes(ellipse(200, 200, 60, 25, degrees) > 0, [0.1, 0.1])
    assert long_axis == pytest.approx(12.0, rel=0.02)
    assert short_axis == pytest.approx(5.0, abs=0.2)  # pixels are squares


def test_axes_do_not_span_two_lesions() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[0:4, 0:4] = 1
    mask[30:50, 30:50] = 1
    assert lesion_axes(mask > 0, [1, 1])[0] == pytest.approx(20 * math.sqrt(2))
    assert measure_size(mask, [1, 1]).area_mm2 == 416


def test_one_pixel_has_a_size_and_none_has_none() -> None:
    mask = np.zeros((9, 9), np.uint8)
    assert measure_size(mask, [1, 1]) == Size(0, 0, 0, 0)
    mask[8, 8] = 1
    assert measure_size(mask, [1, 1]).long_axis_mm == pytest.approx(math.sqrt(2), abs=0.01)
    assert measure_size(mask, []) == Size(1, None, None, None)


def test_parts_come_largest_first_and_lie_where_their_boxes_say() -> None:
    mask = np.zeros((40, 50), bool)
    mask[30:33, 41:47], mask[5:15, 8:20], mask[15, 20] = True, True, True
    parts = list(connected_parts(mask))
    assert [box for box, _ in parts] == [(5, 8, 16, 21), (30, 41, 33, 47)]
    again = np.zeros_like(mask)
    for (top, left, bottom, right), part in parts:
        again[top:bottom, left:right] |= part
    assert np.array_equal(again, mask) and not list(connected_parts(np.zeros((4, 4), bool)))
