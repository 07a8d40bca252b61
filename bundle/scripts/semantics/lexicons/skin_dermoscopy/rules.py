"""From measurements to terms: every term stands on a named measurement and a threshold that can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from scripts.semantics.lexicons.assembly import grade
from scripts.semantics.measures.color import COLORS
from scripts.semantics.measures.colored import measure_colored_lesion
from scripts.semantics.measures.place import name_place

from .terms import TERMS


@dataclass(frozen=True)
class Thresholds:
    """Where one term ends and the next begins. "Training" below: the training section of PH2.

    Args:
        unfolded: `unfolded_major` and `unfolded_minor` from which the contour is asymmetric in that axis. The rule
            leaves it to the eye; training: the upper quarter.
        partly_abrupt, abrupt: `abrupt_segments`, of eight, from which a border is partly abrupt, and abrupt.
        small_size, large_size: `relative_size` below and from which a lesion is small or large. Training: terciles.
        off_centre: distance of the centroid from the image's centre, as a share of its height and width, from which a
            quadrant is named.
    """

    unfolded: float = 0.1
    partly_abrupt: int = 2
    abrupt: int = 5
    small_size: float = 0.4
    large_size: float = 0.6
    off_centre: float = 0.1


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
    axes = sum(measured[name] >= thresholds.unfolded for name in ("unfolded_major", "unfolded_minor"))
    segments, size = measured["abrupt_segments"], measured["relative_size"]
    return {
        "lesions": "one" if measured["lesions"] == 1 else "several",
        "asymmetry": TERMS["asymmetry"][axes],
        "border": grade(TERMS["border"], segments, thresholds.partly_abrupt, thresholds.abrupt),
        "colors": TERMS["colors"][min(int(measured["colors"]), 4) - 1],
        "hue": list(COLORS)[int(measured["hue"])],
        "size": grade(TERMS["size"], size, thresholds.small_size, thresholds.large_size),
        "place": name_place(measured, thresholds.off_centre),
    }
