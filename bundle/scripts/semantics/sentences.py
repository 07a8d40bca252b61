"""Terms to sentences and back. Every phrasing is a pattern that both writes and reads, so the two cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from string import Formatter

from scripts.errors import BundleError

from .lexicon import COUNT, NONE, Lexicon, Morphology


def phrasings_of(lexicon: Lexicon, morphology: Mapping[str, str]) -> Sequence[str]:
    """The patterns that can state a morphology in full."""
    return lexicon.no_lesion_phrasings if morphology[COUNT] == NONE else lexicon.lesion_phrasings


def write_sentence(lexicon: Lexicon, terms: Mapping[str, str], phrasing: int = 0) -> str:
    """State every term of a morphology.

    Args:
        lexicon: its words.
        terms: complete: those of every image, and the lesion terms unless there is no lesion.
        phrasing: any number; taken modulo the phrasings there are.

    Raises:
        BundleError: a term is missing or wrong.
    """
    morphology = Morphology(lexicon, terms)
    always = [name for name in lexicon.terms if name not in lexicon.lesion_terms]
    needed = [*always, *(lexicon.lesion_terms if morphology[COUNT] != NONE else ())]
    missing = [name for name in needed if not morphology[name]]
    if missing:
        raise BundleError(f"The description lacks {', '.join(missing)}; measure the lesion or state the term alone.")
    patterns = phrasings_of(lexicon, morphology)
    return _fill(lexicon, patterns[phrasing % len(patterns)], morphology)


def write_term(lexicon: Lexicon, term: str, value: str) -> str:
    """State one term alone, for example ``a lesion of oval shape``.

    Raises:
        BundleError: the lexicon has no such term or value.
    """
    morphology = Morphology(lexicon, {term: value})
    return _fill(lexicon, lexicon.term_phrasings[term], morphology)


def parse_sentence(lexicon: Lexicon, sentence: str) -> Morphology:
    """Read a sentence back into its terms.

    Args:
        lexicon: its words.
        sentence: what `write_sentence` or `write_term` wrote.

    Raises:
        BundleError: the sentence is of no known phrasing.
    """
    for pattern, reader in _readers(lexicon):
        match = reader.fullmatch(sentence)
        if match:
            terms = {COUNT: NONE} if pattern in lexicon.no_lesion_phrasings else {}
            for slot, words in match.groupdict().items():
                term, forms = lexicon.slots[slot]
                terms[term] = next(value for value, form in forms.items() if form == words)
            return Morphology(lexicon, terms)
    raise BundleError(f'"{sentence}" is no sentence of this lexicon; write it with write_sentence.')


def all_sentences(lexicon: Lexicon) -> Iterator[tuple[Morphology, str]]:
    """Every phrasing with every combination of the weighed terms, the remaining terms taken in turn, and every term
    alone: what no word of diagnosis may occur in."""
    weighed = list(lexicon.weighed_terms)
    others = [name for name in lexicon.lesion_terms if name not in weighed]
    always = [name for name in lexicon.terms if name not in (COUNT, *lexicon.lesion_terms)]
    counts = [value for value in lexicon.terms[COUNT] if value != NONE]
    names = (*weighed, *others, *always, COUNT)
    rest = list(product(*(lexicon.terms[name] for name in (*others, *always)), counts))
    patterns = len(lexicon.lesion_phrasings)
    for index, values in enumerate(product(*(lexicon.terms[name] for name in weighed))):
        for phrasing in range(patterns):
            terms = dict(zip(names, (*values, *rest[(index * patterns + phrasing) % len(rest)]), strict=True))
            yield Morphology(lexicon, terms), write_sentence(lexicon, terms, phrasing)
    for values in product(*(lexicon.terms[name] for name in always)):
        terms = {COUNT: NONE, **dict(zip(always, values, strict=True))}
        for phrasing in range(len(lexicon.no_lesion_phrasings)):
            yield Morphology(lexicon, terms), write_sentence(lexicon, terms, phrasing)
    for term, values in lexicon.terms.items():
        for value in values:
            yield Morphology(lexicon, {term: value}), write_term(lexicon, term, value)


def _fill(lexicon: Lexicon, pattern: str, morphology: Morphology) -> str:
    return pattern.format_map({slot: forms.get(morphology[term], "") for slot, (term, forms) in lexicon.slots.items()})


@lru_cache(maxsize=8)
def _readers(lexicon: Lexicon) -> list[tuple[str, re.Pattern[str]]]:
    patterns = (*lexicon.lesion_phrasings, *lexicon.no_lesion_phrasings, *lexicon.term_phrasings.values())
    return [(pattern, _reader(lexicon, pattern)) for pattern in patterns]


def _reader(lexicon: Lexicon, pattern: str) -> re.Pattern[str]:
    """The regular expression that a pattern's sentences match, one group per slot."""
    parts = []
    for literal, slot, _, _ in Formatter().parse(pattern):
        parts.append(re.escape(literal))
        if slot:
            forms = sorted(lexicon.slots[slot][1].values(), key=len, reverse=True)
            parts.append(f"(?P<{slot}>{'|'.join(map(re.escape, forms))})")
    return re.compile("".join(parts))
