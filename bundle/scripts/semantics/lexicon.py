"""A lexicon: the words for one kind of lesion, what they are measured by, and a lesion in these words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.errors import BundleError

#: The term that every lexicon has: how many lesions there are. Where the value is ``NONE`` no lesion term is said.
COUNT, NONE = "lesions", "none"


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The words for one kind of lesion.

    Attributes:
        terms: every term and the values that it can take, ``lesions`` with ``none`` among them.
        lesion_terms: those that say something about a lesion; the others are said of every image.
        slots: what the phrasings leave open: the term that a slot holds, and its words for every value.
        lesion_phrasings: sentences about an image with a lesion; each states every term.
        no_lesion_phrasings: sentences about an image without one.
        term_phrasings: one term alone, to tell two values of it apart.
        measure: ``measure(image, mask, aspect, thresholds)`` returns numbers by name.
        choose: ``choose(measured, thresholds)`` returns the terms that they stand for.
        thresholds: where one term ends and the next begins.
        weighed_terms: those of the lesion terms that a reader weighs.
        mirrored: by term, the values that a left-right mirror image turns into others.
        forbidden_stems: how the words of diagnosis begin; no description holds one.
        allowed_words: words that begin like them and may be said.
        colored: ``measure`` takes the picture in its channels, (C, H, W), instead of their mean, (H, W).
    """

    terms: Mapping[str, Sequence[str]]
    lesion_terms: Sequence[str]
    slots: Mapping[str, tuple[str, Mapping[str, str]]]
    lesion_phrasings: Sequence[str]
    no_lesion_phrasings: Sequence[str]
    term_phrasings: Mapping[str, str]
    measure: Callable[..., dict[str, float]]
    choose: Callable[[Mapping[str, float], Any], dict[str, str]]
    thresholds: Any
    weighed_terms: Sequence[str] = ()
    mirrored: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    forbidden_stems: Sequence[str] = ()
    allowed_words: Sequence[str] = ()
    colored: bool = False

    @property
    def terms_said(self) -> tuple[str, ...]:
        """The terms that are said of one lesion and its image: all but the number of lesions."""
        return tuple(name for name in self.terms if name != COUNT)

    def find_forbidden(self, text: str) -> list[str]:
        """The stems of diagnosis words that begin a word of a text; empty for every description.

        Args:
            text: any sentence.
        """
        if not self.forbidden_stems:
            return []
        allowed = "".join(rf"(?!{re.escape(word)}\b)" for word in self.allowed_words)
        stems = "|".join(map(re.escape, self.forbidden_stems))
        return [stem.lower() for stem in re.findall(rf"(?<![a-z]){allowed}({stems})", text, re.IGNORECASE)]

    def mirror(self, terms: Mapping[str, str]) -> dict[str, str]:
        """The terms of the mirror image."""
        return {name: self.mirrored.get(name, {}).get(value, value) for name, value in terms.items()}


class Morphology(Mapping[str, str]):
    """A lesion in the words of a lexicon: the structured form of a description.

    Holds every term of the lexicon, in its order; "" where nothing is said of it.

    Args:
        lexicon: what the terms are checked against.
        terms: values by term; those left out are "".

    Raises:
        BundleError: a term or value is unknown, or a lesion term is said where there is no lesion.
    """

    def __init__(self, lexicon: Lexicon, terms: Mapping[str, str]) -> None:
        for name, value in terms.items():
            values = lexicon.terms.get(name)
            if values is None:
                raise BundleError(f'"{name}" is no term of the lexicon; choose one of: {", ".join(lexicon.terms)}.')
            if value and value not in values:
                raise BundleError(f'"{value}" is no {name} of the lexicon; choose one of: {", ".join(values)}.')
        if terms.get(COUNT) == NONE and any(terms.get(name) for name in lexicon.lesion_terms):
            raise BundleError("A description without a lesion names a lesion term; leave those empty.")
        self._terms = {name: terms.get(name, "") for name in lexicon.terms}

    def __getitem__(self, name: str) -> str:
        return self._terms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def __hash__(self) -> int:
        return hash(tuple(self._terms.items()))

    def __repr__(self) -> str:
        return f"Morphology({ {name: value for name, value in self.items() if value} })"
