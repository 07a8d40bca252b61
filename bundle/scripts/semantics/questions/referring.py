"""Lesions referred to by what they look like, where they lie, or how they compare with another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scripts.semantics.lexicon import Lexicon
from scripts.semantics.sentences import write_term

#: What a lesion may be called.
NOUNS = ("lesion", "mass", "nodule", "focal lesion")
#: One of two lesions by comparison: a measure of its mask (H, W), the one with the larger value is meant.
RELATIONS: Mapping[str, Callable[[NDArray], float]] = {
    "smaller": lambda mask: -float(np.sum(mask)),
    "larger": lambda mask: float(np.sum(mask)),
    "upper": lambda mask: -float(np.argwhere(mask)[:, 0].mean()),
    "lower": lambda mask: float(np.argwhere(mask)[:, 0].mean()),
    "left": lambda mask: -float(np.argwhere(mask)[:, 1].mean()),
    "right": lambda mask: float(np.argwhere(mask)[:, 1].mean()),
}
PHRASE = re.compile(r"an? (?P<before>.*?)\s*\blesion\b\s*(?P<after>.*)")
_OF_TERM = re.compile(r"(?:of|with) (?P<value>.+) \w+(?: pattern)?")


def refer_to(
    lexicon: Lexicon, terms: Mapping[str, str], noun: str = "lesion", short: bool = False
) -> str:
    """A lesion by its terms: ``small lesion of oval shape in the upper left quadrant of the image``.

    Args:
        lexicon: whose phrasings of single terms are joined.
        terms: values by term, of which the lexicon speaks as "a ... lesion ...".
        noun: what it is called.
        short: put a value before the noun where it can be, and leave out "quadrant of the image".
    """
    before, after = [], []
    for term, value in terms.items():
        found = PHRASE.fullmatch(write_term(lexicon, term, value))
        if found is None:
            continue
        adjective, tail = found["before"], found["after"]
        of_term = _OF_TERM.fullmatch(tail)
        if short and of_term and of_term["value"] == value:
            adjective, tail = value, ""
        if short:
            tail = tail.removesuffix(" of the image").removesuffix(" quadrant")
        before += [adjective] if adjective else []
        after += [tail] if tail else []
    return " ".join([*before, noun, " and ".join(after)]).strip()


def matching(regions: Sequence[Mapping[str, str]], terms: Mapping[str, str]) -> list[int]:
    """Numbers of the lesions that have all of the terms, from 0.

    Args:
        regions: the terms of each lesion.
        terms: those asked for.
    """
    return [
        number
        for number, region in enumerate(regions)
        if all(region.get(term) == value for term, value in terms.items())
    ]


def choose_related(masks: Sequence[NDArray], relation: str) -> int:
    """Which of several lesions is the smaller, larger, upper, lower, left or right one, from 0.

    Args:
        masks: bool (H, W) each, none empty.
        relation: of ``RELATIONS``.
    """
    return int(np.argmax([RELATIONS[relation](mask) for mask in masks]))
