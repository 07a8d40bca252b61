"""The strip of a cine shows what its frames say, in the colours of the overlays."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.findings.tracks import Reading
from scripts.results.strip import Thumbnail, draw_strip
from scripts.sites import Site
from scripts.writing.drawing import INDETERMINATE_COLOR


def has(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((picture == np.array(color)).all(axis=-1).any())


@pytest.mark.parametrize("frames", [2, 24, 1000])
def test_frames_of_each_kind_have_their_colour(frames: int, site: Site) -> None:
    said = [Reading("benign", 0.2, 0.8, False), Reading("malignant", 0.7, 0.6, True), None]
    readings = [(3 * number, said[number % 3]) for number in range(frames)]
    picture = np.asarray(draw_strip(readings, said[0], 0, [], site))
    assert has(picture, tuple(site.colors["benign"])) and has(picture, INDETERMINATE_COLOR)
    assert not has(picture, tuple(site.colors["malignant"]))


def test_thumbnails_stand_below_and_the_key_frame_has_a_border(site: Site) -> None:
    picture, mask = np.full((1, 300, 400), 90, np.uint8), np.zeros((300, 400), np.uint8)
    mask[100:200, 100:250] = 1
    lesion = Reading("malignant", 0.9, 0.8, False)
    readings = [(0, lesion), (1, None), (2, lesion)]
    plain = draw_strip(readings, lesion, 2, [], site)
    shown = draw_strip(readings, lesion, 2, [Thumbnail(frame, picture, mask) for frame in (0, 2)], site)
    below = np.asarray(shown)[plain.height - 60 :]
    assert shown.width == plain.width and shown.height > plain.height + 200
    assert has(below, (90, 90, 90)) and has(below, tuple(site.colors["malignant"]))
    # The border is a run of white; nothing else below is as long.
    white = (below > 230).all(axis=-1)
    halves = [white[:, :380], white[:, 380:]]  # the first ends at 375, the second begins at 385
    assert [int(half.sum(axis=1).max()) > 200 for half in halves] == [False, True]


def test_a_cine_without_a_lesion_and_a_site_without_classes_have_strips(site: Site) -> None:
    empty = np.asarray(draw_strip([(0, None), (1, None)], None, None, [], site))
    assert not has(empty, tuple(site.colors["benign"])) and not has(empty, tuple(site.colors["malignant"]))
    bare = Site("bare", "spots", type(site.classes)(), {"none": (120, 200, 40)}, {})
    picture = np.asarray(draw_strip([(0, Reading("", None, 0.5)), (1, None)], Reading("", None, 0.5), 0, [], bare))
    assert has(picture, (120, 200, 40))
