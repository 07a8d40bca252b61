"""From measurements to terms: every term stands on a named measurement and a threshold that can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from scripts.semantics.lexicons.assembly import grade
from scripts.semantics.measures.lesion import measure_lesion

from .terms import TERMS


@dataclass(frozen=True)
class Thresholds:
    """Where one term ends and the next begins. "Training" below: the training section of DDTI's nodule crops.

    Args:
        cystic_share, mixed_share: `clear_share` (of the nodule, without echoes) from which it is cystic, and from which
            it is mixed. In training no nodule reaches either.
        cystic_brightness: `echo_brightness` below which it is cystic too, where black is shown as gray: a third.
        very_dark: `echo_brightness` below which a nodule is very hypoechoic, as a logarithm: three fifths of the tissue
            around it. Training: the lower twentieth.
        brightness_step: change of `echo_brightness` that counts: a fifth.
        tall_ratio: `depth_to_width` from which a nodule is taller than wide; 1 in the lexicon.
        spicules, corners: counts from which a margin is irregular.
        regular_overlap: `ellipse_overlap` below which it is irregular too. Training: the lower tenth.
        notches: from which it is lobulated.
        blurred_border: `blurred_border` from which it is ill-defined. Training: the upper third.
        small_size, large_size: `relative_size` below and from which a nodule is small or large. Training: terciles.
    """

    cystic_share: float = 0.6
    mixed_share: float = 0.2
    cystic_brightness: float = -1.1
    very_dark: float = -0.5
    brightness_step: float = 0.2
    tall_ratio: float = 1.0
    spicules: int = 1
    corners: int = 2
    regular_overlap: float = 0.845
    notches: int = 3
    blurred_border: float = 0.4
    small_size: float = 0.49
    large_size: float = 0.59


def measure(image: ArrayLike, mask: ArrayLike, aspect: float, thresholds: Thresholds) -> dict[str, float]:
    """What the terms rest on; see `measure_lesion`."""
    return measure_lesion(image, mask, aspect)


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
    return {
        "lesions": "one" if measured["lesions"] == 1 else "several",
        "composition": _composition(measured, thresholds),
        "echogenicity": _echogenicity(measured, thresholds),
        "shape": "taller than wide" if measured["depth_to_width"] >= thresholds.tall_ratio else "wider than tall",
        "margin": _margin(measured, thresholds),
        "size": grade(TERMS["size"], measured["relative_size"], thresholds.small_size, thresholds.large_size),
    }


def _is_cystic(measured: Mapping[str, float], thresholds: Thresholds) -> bool:
    dark = measured["echo_brightness"] < thresholds.cystic_brightness
    return measured["clear_share"] >= thresholds.cystic_share or dark


def _composition(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    if _is_cystic(measured, thresholds):
        return "cystic"
    return "mixed cystic and solid" if measured["clear_share"] >= thresholds.mixed_share else "solid"


def _echogenicity(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    if _is_cystic(measured, thresholds):
        return "anechoic"
    if measured["echo_brightness"] < thresholds.very_dark:
        return "very hypoechoic"
    if abs(measured["echo_brightness"]) <= thresholds.brightness_step:
        return "isoechoic"
    return "hyperechoic" if measured["echo_brightness"] > 0 else "hypoechoic"


def _margin(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    """Several may apply; the one that changes most about the outline is named."""
    sharp = measured["spicules"] >= thresholds.spicules or measured["corners"] >= thresholds.corners
    if sharp or measured["ellipse_overlap"] < thresholds.regular_overlap:
        return "irregular"
    if measured["notches"] >= thresholds.notches:
        return "lobulated"
    return "ill-defined" if measured["blurred_border"] >= thresholds.blurred_border else "smooth"
