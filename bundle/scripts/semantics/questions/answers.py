"""Answers: written of measured lesions for training, read back, and checked against what was drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scripts.errors import BundleError
from scripts.semantics.lexicon import COUNT, Lexicon
from scripts.semantics.sentences import parse_sentence, write_sentence

#: Where an answer draws a mask.
SEG = "<SEG>"
NO_LESION = "There is no lesion."
NONE_OF_KIND = "There is no lesion of that kind."


def write_answer(
    lexicon: Lexicon, regions: Sequence[Mapping[str, str]], any_lesion: bool, described: bool = True, phrasing: int = 0
) -> str:
    """What is true of the lesions asked for, each followed by its ``<SEG>``.

    Args:
        lexicon: the words.
        regions: terms of the lesions that are meant, in order.
        any_lesion: whether the image shows any.
        described: say what they look like, or only that they are lesions.
        phrasing: number of the sentence's phrasing.
    """
    if not regions:
        return NONE_OF_KIND if any_lesion else NO_LESION
    said = [write_sentence(lexicon, region, phrasing) if described else "A lesion." for region in regions]
    return " ".join(f"{sentence} {SEG}" for sentence in said)


def read_answer(lexicon: Lexicon, answer: str) -> list[dict[str, str]]:
    """The terms that an answer states of each lesion it draws; empty where a sentence is of no known phrasing.

    Args:
        lexicon: the words.
        answer: with a ``<SEG>`` for each lesion.
    """
    read = []
    for sentence in answer.split(SEG)[:-1]:
        try:
            read.append({term: value for term, value in parse_sentence(lexicon, sentence.strip()).items() if value})
        except BundleError:
            read.append({})
    return read


def contradictions(said: Mapping[str, str], measured: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Terms that were said and are not true: what was said, and what was measured.

    Args:
        said: values by term.
        measured: of the mask that was drawn; the number of lesions is not compared.
    """
    return {
        term: (value, measured[term])
        for term, value in said.items()
        if term != COUNT and term in measured and value != measured[term]
    }


def check_words(
    lexicon: Lexicon, answer: str, measured: Sequence[Mapping[str, str] | None]
) -> list[dict[str, tuple[str, str]] | None]:
    """The contradictions of each lesion of an answer; None where nothing was said that can be read, or drawn.

    Args:
        lexicon: the words.
        answer: with a ``<SEG>`` for each lesion.
        measured: the terms of each mask drawn, None for an empty one.
    """
    pairs = zip(read_answer(lexicon, answer), measured, strict=False)
    return [contradictions(said, true) if said and true is not None else None for said, true in pairs]
