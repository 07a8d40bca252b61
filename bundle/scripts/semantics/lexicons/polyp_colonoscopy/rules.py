"""From measurements to terms: every term stands on a named measurement and a threshold that can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from scripts.semantics.lexicons.assembly import grade
from scripts.semantics.measures.colored import measure_colored_lesion
from scripts.semantics.measures.place import name_place

from .terms import TERMS


@dataclass(frozen=True)
class Thresholds:
    """Where one term ends and the next begins. "Training" below: the training section of Kvasir-SEG.

    Args:
        regular_overlap: `ellipse_overlap` from which a polyp is oval or round, else irregular, as in breast ultrasound.
            Training: the lower quarter.
        round_ratio: `axis_ratio` from which a regular polyp is round. Training: the upper quarter.
        small_size, large_size: `relative_size` below and from which a polyp is small or large. Training: terciles.
        off_centre: distance of the centroid from the image's centre, as a share of its height and width, from which a
            quadrant is named.
        brightness_step: change of `brightness` that counts, as a logarithm: a fifth.
        redness_step: change of `redness` that counts: red's share of the channels. Training: a third changes more.
        rough, smooth: `roughness` from which a surface is textured, and below which it is smooth. Training: terciles.
        blurred_border: `blurred_border` from which an edge is blurred: half of it.
    """

    regular_overlap: float = 0.85
    round_ratio: float = 0.8
    small_size: float = 0.27
    large_size: float = 0.4
    off_centre: float = 0.1
    brightness_step: float = 0.2
    redness_step: float = 0.02
    smooth: float = -0.13
    rough: float = 0.2
    blurred_border: float = 0.5


def measure(image: ArrayLike, mask: ArrayLike, aspect: float, thresholds: Thresholds) -> dict[str, float]:
    """What the terms rest on; see `measure_colored_lesion`."""
    return measure_colored_lesion(image, mask, aspect)


def choose_terms(measured: Mapping[str, float], thresholds: Thresholds) -> dict[str, str]:
    """Name what was measured.

    Args:
        measured: what `measure` returns.
        thresholds: where one term ends and the next begins.

    Returns:
        Values by term.
    """
    if measured["lesions"] == 0:
        return {"lesions": "none"}
    regular = measured["ellipse_overlap"] >= thresholds.regular_overlap
    shape = ("round" if measured["axis_ratio"] >= thresholds.round_ratio else "oval") if regular else "irregular"
    brightness, redness = thresholds.brightness_step, thresholds.redness_step
    return {
        "lesions": "one" if measured["lesions"] == 1 else "several",
        "shape": shape,
        "size": grade(TERMS["size"], measured["relative_size"], thresholds.small_size, thresholds.large_size),
        "place": name_place(measured, thresholds.off_centre),
        "contrast": grade(TERMS["contrast"], measured["brightness"], -brightness, brightness),
        "color": grade(TERMS["color"], measured["redness"], -redness, redness),
        "surface": grade(TERMS["surface"], measured["roughness"], thresholds.smooth, thresholds.rough),
        "edge": "blurred" if measured["blurred_border"] >= thresholds.blurred_border else "sharp",
    }
