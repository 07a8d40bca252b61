"""Masks as polygons, run lengths and brush strokes come back pixel for pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from scripts.data.annotations.brush_strokes import pack_brush, unpack_brush
from scripts.data.annotations.outlines import fill_polygon, parts_of, polygon_of
from scripts.data.annotations.run_lengths import count_runs, fill_runs

#: One mask as pycocotools 2.0.11 and label-studio-sdk 2.1.2 write it.
COCO_TEXT = ";32NO012004"
LABEL_STUDIO_BYTES = [
    0,
    0,
    0,
    140,
    57,
    27,
    254,
    35,
    0,
    191,
    255,
    108,
    2,
    63,
    248,
    192,
    39,
    255,
    182,
    1,
    127,
    255,
    15,
    128,
    0,
]

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


@st.composite
def blobs(draw: st.DrawFn) -> np.ndarray:
    """Smooth lesions of any form, some of them touching the border."""
    shape = draw(st.tuples(st.integers(8, 60), st.integers(8, 60)))
    noise = np.random.default_rng(draw(st.integers(0, 10_000))).random(shape)
    smooth = ndimage.gaussian_filter(noise, draw(st.floats(0.5, 5)))
    return smooth > np.quantile(smooth, draw(st.floats(0.1, 0.95)))


@given(st.one_of(MASKS, blobs()))
@settings(max_examples=40, deadline=None)
def test_a_part_without_holes_is_a_polygon_that_fills_it_again_exactly(mask: np.ndarray) -> None:
    united = np.zeros_like(mask)
    for (x, y, width, height), part in parts_of(mask):
        assert part[y : y + height, x : x + width].any(axis=1).all()
        corners = polygon_of(part)
        # A hole that meets the outside at a corner is none: background is connected across corners.
        assert (corners is None) == bool((ndimage.binary_fill_holes(part, np.ones((3, 3))) ^ part).any())
        united |= part if corners is None else fill_polygon(corners, mask.shape)
    assert np.array_equal(united, mask)


def test_a_straight_edge_has_corners_at_its_ends_alone() -> None:
    square = np.zeros((40, 50), bool)
    square[10:30, 5:45] = True
    corners = polygon_of(square)
    assert len(corners) <= 8 and corners.min(axis=0).tolist() == [5, 10] and corners.max(axis=0).tolist() == [45, 30]


@given(MASKS)
@settings(deadline=None)
def test_run_lengths_and_brush_strokes_come_back(mask: np.ndarray) -> None:
    assert np.array_equal(fill_runs(count_runs(mask), mask.shape), mask)
    assert np.array_equal(unpack_brush(pack_brush(mask), mask.shape), mask)


def test_what_other_programs_write_is_read() -> None:
    mask = np.zeros((5, 7), bool)
    mask[1:4, 2:6] = True
    mask[2, 3] = False
    assert np.array_equal(fill_runs(COCO_TEXT, mask.shape), mask)
    assert np.array_equal(unpack_brush(LABEL_STUDIO_BYTES, mask.shape), mask)


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00\x8c", bytes(40), bytes([0, 0, 0, 140, 57, 27, 255, 255])])
def test_damaged_brush_strokes_are_no_mask(content: bytes) -> None:
    with pytest.raises(ValueError, match="the brush"):
        unpack_brush(list(content), (5, 7))


@pytest.mark.parametrize("counts", [[10, 20], [-1, 36], "0", "~~", [[35]]])
def test_run_lengths_of_another_image_are_no_mask(counts: list[int] | str) -> None:
    with pytest.raises(ValueError):
        fill_runs(counts, (5, 7))
