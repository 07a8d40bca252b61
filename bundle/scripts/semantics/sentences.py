"""Terms to sentences and back. Every phrasing is a pattern that both writes and reads, so the two cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from string import Formatter

from scripts.errors import BundleError

from .lexicon import LESION_TERMS, TERMS, Morphology


def _same(term: str, form: str = "{}") -> tuple[str, dict[str, str]]:
    return term, {value: form.format(value) for value in TERMS[term]}


#: Slots of the patterns: the term that each holds and its words for every value.
SLOTS: dict[str, tuple[str, dict[str, str]]] = {
    **{term: _same(term) for term in ("shape", "orientation", "margin", "echo", "quadrant", "tissue")},
    "a_shape": ("shape", {"oval": "an oval", "round": "a round", "irregular": "an irregular"}),
    "Echo": ("echo", {value: value.capitalize() for value in TERMS["echo"]}),
    "posterior": (
        "posterior",
        {
            "no features": "no posterior features",
            "enhancement": "posterior enhancement",
            "shadowing": "posterior shadowing",
            "combined pattern": "a combined posterior pattern",
            "not assessed": "posterior features not assessed",
        },
    ),
    "size": ("size", {"small": "small", "medium": "medium-sized", "large": "large"}),
    "depth": _same("depth"),
    "at_depth": ("depth", {"superficial": "superficially", "middle": "at middle depth", "deep": "deep"}),
    "more": ("lesions", {"one": "", "several": " It is the largest of several lesions."}),
    "count": ("lesions", {"none": "no focal lesion", "one": "one focal lesion", "several": "several focal lesions"}),
}

#: Phrasings of an image with a lesion: each states every term.
LESION_PHRASINGS: tuple[str, ...] = (
    "A {size}, {shape}, {orientation} lesion with {margin} margin, {echo} echo pattern and {posterior}, "
    "located {at_depth} in the {quadrant} quadrant of the image, in tissue of {tissue} echotexture.{more}",
    "Lesion of {shape} shape, {orientation} orientation, {margin} margin, {echo} echo pattern, {posterior}; "
    "size {size}, depth {depth}, {quadrant} quadrant of the image; {tissue} background echotexture.{more}",
    "In the {quadrant} quadrant of the image there is {a_shape} lesion, {size}, lying {at_depth}. "
    "Its margin is {margin}, its orientation {orientation}, its echo pattern {echo}, with {posterior}. "
    "The background is {tissue}.{more}",
    "{Echo} {shape} lesion, {orientation} to the skin, {size}, {margin} at its margin, with {posterior}, "
    "{at_depth} in the {quadrant} quadrant of the image. Background echotexture is {tissue}.{more}",
    "The image shows {a_shape} lesion, {orientation} to the skin line. The margin is {margin} and the echoes are "
    "{echo}. Behind it: {posterior}. It is {size} and lies {at_depth}, {quadrant}, in {tissue} tissue.{more}",
    "Shape: {shape}. Orientation: {orientation}. Margin: {margin}. Echo pattern: {echo}. Posterior: {posterior}. "
    "Size: {size}. Depth: {depth}. Quadrant: {quadrant}. Background: {tissue}.{more}",
    "Against a {tissue} background, {a_shape} lesion is seen {at_depth} in the {quadrant} quadrant: {size}, "
    "{orientation}, {echo}, with {margin} margin and {posterior}.{more}",
    "A lesion with {margin} margin and {shape} shape lies {at_depth} in the {quadrant} part of the image; it is "
    "{size}, {orientation} to the skin and {echo}, and has {posterior}. The surrounding tissue is {tissue}.{more}",
)

#: Phrasings of an image without one.
NO_LESION_PHRASINGS: tuple[str, ...] = (
    "No focal lesion in the image; tissue of {tissue} echotexture.",
    "The image shows {tissue} background echotexture without a focal lesion.",
    "There is no focal lesion. The background is {tissue}.",
    "Tissue: {tissue}. Focal lesion: none.",
)

#: One term alone, for telling two values of it apart.
TERM_PHRASINGS: dict[str, str] = {
    "lesions": "{count} in the image",
    "shape": "a lesion of {shape} shape",
    "orientation": "a lesion of {orientation} orientation",
    "margin": "a lesion with {margin} margin",
    "echo": "a lesion with {echo} echo pattern",
    "posterior": "a lesion with {posterior}",
    "size": "a {size} lesion",
    "depth": "a lesion lying {at_depth}",
    "quadrant": "a lesion in the {quadrant} quadrant of the image",
    "tissue": "tissue of {tissue} echotexture",
}


def phrasings_of(morphology: Morphology) -> tuple[str, ...]:
    """The patterns that can state a morphology in full."""
    return NO_LESION_PHRASINGS if morphology.lesions == "none" else LESION_PHRASINGS


def write_sentence(morphology: Morphology, phrasing: int = 0) -> str:
    """State every term of a morphology.

    Args:
        morphology: complete: `lesions` and `tissue`, and every lesion term unless there is none.
        phrasing: any number; taken modulo the phrasings there are.

    Raises:
        BundleError: a term is missing.
    """
    needed = ["lesions", "tissue", *(LESION_TERMS if morphology.lesions != "none" else ())]
    missing = [name for name in needed if not getattr(morphology, name)]
    if missing:
        raise BundleError(f"The description lacks {', '.join(missing)}; measure the lesion or state the term alone.")
    patterns = phrasings_of(morphology)
    return _fill(patterns[phrasing % len(patterns)], morphology)


def write_term(term: str, value: str) -> str:
    """State one term alone, for example ``a lesion of oval shape``.

    Raises:
        BundleError: the lexicon has no such term or value.
    """
    if term not in TERMS:
        raise BundleError(f'"{term}" is no term of the lexicon; choose one of: {", ".join(TERMS)}.')
    return _fill(TERM_PHRASINGS[term], Morphology(**{term: value}))


def parse_sentence(sentence: str) -> Morphology:
    """Read a sentence back into its terms.

    Args:
        sentence: what `write_sentence` or `write_term` wrote.

    Raises:
        BundleError: the sentence is of no known phrasing.
    """
    for pattern, reader in _readers():
        match = reader.fullmatch(sentence)
        if match:
            values = {} if pattern not in NO_LESION_PHRASINGS else {"lesions": "none"}
            for slot, words in match.groupdict().items():
                term, forms = SLOTS[slot]
                values[term] = next(value for value, form in forms.items() if form == words)
            return Morphology(**values)
    raise BundleError(f'"{sentence}" is no sentence of this lexicon; write it with write_sentence.')


def all_sentences() -> Iterator[tuple[Morphology, str]]:
    """Every phrasing with every combination of the lesion's own terms (shape to posterior features), the remaining
    terms taken in turn, and every term alone: what no word of diagnosis may occur in."""
    own = LESION_TERMS[:5]
    rest = list(product(*(TERMS[name] for name in (*LESION_TERMS[5:], "tissue")), ("one", "several")))
    for index, values in enumerate(product(*(TERMS[name] for name in own))):
        for phrasing in range(len(LESION_PHRASINGS)):
            others = rest[(index * len(LESION_PHRASINGS) + phrasing) % len(rest)]
            terms = dict(zip((*own, *LESION_TERMS[5:], "tissue", "lesions"), (*values, *others)))
            morphology = Morphology(**terms)
            yield morphology, write_sentence(morphology, phrasing)
    for tissue, phrasing in product(TERMS["tissue"], range(len(NO_LESION_PHRASINGS))):
        morphology = Morphology(lesions="none", tissue=tissue)
        yield morphology, write_sentence(morphology, phrasing)
    for term, values in TERMS.items():
        for value in values:
            yield Morphology(**{term: value}), write_term(term, value)


def _fill(pattern: str, morphology: Morphology) -> str:
    words = {slot: forms.get(getattr(morphology, term), "") for slot, (term, forms) in SLOTS.items()}
    return pattern.format_map(words)


@cache
def _readers() -> list[tuple[str, re.Pattern[str]]]:
    patterns = (*LESION_PHRASINGS, *NO_LESION_PHRASINGS, *TERM_PHRASINGS.values())
    return [(pattern, _reader(pattern)) for pattern in patterns]


def _reader(pattern: str) -> re.Pattern[str]:
    """The regular expression that a pattern's sentences match, one group per slot."""
    parts = []
    for literal, slot, _, _ in Formatter().parse(pattern):
        parts.append(re.escape(literal))
        if slot:
            forms = sorted(SLOTS[slot][1].values(), key=len, reverse=True)
            parts.append(f"(?P<{slot}>{'|'.join(map(re.escape, forms))})")
    return re.compile("".join(parts))
