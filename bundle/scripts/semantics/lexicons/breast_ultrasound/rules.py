"""From measurements to terms: every term stands on a named measurement and a threshold that can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from numpy.typing import ArrayLike

from scripts.semantics.lexicons.assembly import grade
from scripts.semantics.measures.lesion import measure_lesion

from .terms import TERMS


@dataclass(frozen=True)
class Thresholds:
    """Where one term ends and the next begins. "Training" below: the training sections of BUSI and BUS-BRA.

    Args:
        regular_overlap: `ellipse_overlap` from which a lesion is oval or round, else irregular. Training: the lower
            quarter. Two or three gentle undulations, which the lexicon still calls oval, stay above it.
        round_ratio: `axis_ratio` from which a regular lesion is round, else oval. Round is "as deep as wide" in the
            lexicon; a fifth is left for drawing. Training: the upper tenth.
        parallel_ratio: `depth_to_width` below which a lesion is parallel to the skin. Taller than wide is 1 (Stavros
            et al., Radiology 196:123-134, 1995); the lexicon calls round lesions not parallel, hence a fifth below.
        spicules, corners, notches: counts from which a margin is spiculated, angular, microlobulated. One tip or
            corner is an accident of drawing; an oval lesion may have three undulations, hence four notches.
        blurred_border: `blurred_border` from which a margin is indistinct: a third of it. The lexicon says "any
            portion"; half of the training lesions lie below a quarter.
        brightness_step: change of brightness that counts, as a logarithm: 0.25 is a quarter. Echo pattern (iso- or
            hypo- and hyperechoic) and posterior features use the same step.
        anechoic_share: `clear_share` from which a lesion is anechoic.
        complex_share: `clear_share` from which a lesion that also has solid parts is complex cystic and solid.
        solid_share: `solid_share` from which a lesion has solid parts.
        echo_spread: `echo_spread` from which the echo pattern is heterogeneous. Training: the upper twentieth of
            BUS-BRA, the upper third of BUSI, whose display has more contrast.
        posterior_share: share of the columns behind the lesion that must be darker or brighter: a third.
        combined_share: share that both must reach for the combined pattern.
        small_size, large_size: `relative_size` below and from which a lesion is small or large. Training: terciles.
        superficial_depth, deep_depth: `relative_depth`: thirds of the image.
        tissue_spread: `tissue_spread` from which the tissue is heterogeneous. Training: between the medians of
            BUS-BRA (0.13) and BUSI (0.22).
    """

    regular_overlap: float = 0.85
    round_ratio: float = 0.8
    parallel_ratio: float = 0.8
    spicules: int = 2
    corners: int = 2
    notches: int = 4
    blurred_border: float = 1 / 3
    brightness_step: float = 0.25
    anechoic_share: float = 0.6
    complex_share: float = 0.2
    solid_share: float = 0.2
    echo_spread: float = 0.22
    posterior_share: float = 1 / 3
    combined_share: float = 0.2
    small_size: float = 0.2
    large_size: float = 0.3
    superficial_depth: float = 1 / 3
    deep_depth: float = 2 / 3
    tissue_spread: float = 0.18


def measure(image: ArrayLike, mask: ArrayLike, aspect: float, thresholds: Thresholds) -> dict[str, float]:
    """What the terms rest on; see `measure_lesion`."""
    return measure_lesion(image, mask, aspect, thresholds.brightness_step)


def choose_terms(measured: Mapping[str, float], thresholds: Thresholds) -> dict[str, str]:
    """Name what was measured.

    Args:
        measured: what `measure` returns.
        thresholds: where one term ends and the next begins.

    Returns:
        Values by term; without a lesion the terms of the image alone.
    """
    tissue = "heterogeneous" if measured["tissue_spread"] >= thresholds.tissue_spread else "homogeneous"
    if measured["lesions"] == 0:
        return {"lesions": "none", "tissue": tissue}
    vertical = "upper" if measured["relative_depth"] < 0.5 else "lower"
    depths = (thresholds.superficial_depth, thresholds.deep_depth)
    return {
        "lesions": "one" if measured["lesions"] == 1 else "several",
        "shape": _shape(measured, thresholds),
        "orientation": "parallel" if measured["depth_to_width"] < thresholds.parallel_ratio else "not parallel",
        "margin": _margin(measured, thresholds),
        "echo": _echo(measured, thresholds),
        "posterior": _posterior(measured, thresholds),
        "size": grade(TERMS["size"], measured["relative_size"], thresholds.small_size, thresholds.large_size),
        "depth": grade(TERMS["depth"], measured["relative_depth"], *depths),
        "quadrant": f"{vertical} {'left' if measured['relative_column'] < 0.5 else 'right'}",
        "tissue": tissue,
    }


def _shape(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    if measured["ellipse_overlap"] < thresholds.regular_overlap:
        return "irregular"
    return "round" if measured["axis_ratio"] >= thresholds.round_ratio else "oval"


def _margin(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    """Several may apply; the one that changes most about the outline is named."""
    if measured["spicules"] >= thresholds.spicules:
        return "spiculated"
    if measured["corners"] >= thresholds.corners:
        return "angular"
    if measured["notches"] >= thresholds.notches:
        return "microlobulated"
    return "indistinct" if measured["blurred_border"] >= thresholds.blurred_border else "circumscribed"


def _echo(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    """What the lesion is made of first (clear, clear and solid, uneven), its brightness against the tissue then."""
    if measured["clear_share"] >= thresholds.anechoic_share:
        return "anechoic"
    if measured["clear_share"] >= thresholds.complex_share and measured["solid_share"] >= thresholds.solid_share:
        return "complex cystic and solid"
    if measured["echo_spread"] >= thresholds.echo_spread:
        return "heterogeneous"
    if abs(measured["echo_brightness"]) <= thresholds.brightness_step:
        return "isoechoic"
    return "hyperechoic" if measured["echo_brightness"] > 0 else "hypoechoic"


def _posterior(measured: Mapping[str, float], thresholds: Thresholds) -> str:
    if isnan(measured["shadowed_share"]):
        return "not assessed"
    dark, bright = measured["shadowed_share"], measured["enhanced_share"]
    if min(dark, bright) >= thresholds.combined_share:
        return "combined pattern"
    if max(dark, bright) < thresholds.posterior_share:
        return "no features"
    return "shadowing" if dark > bright else "enhancement"
