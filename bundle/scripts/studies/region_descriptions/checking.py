"""What a text says of a lesion against what is measured, term by term."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from scripts.errors import BundleError
from scripts.semantics import Lexicon, parse_sentence
from scripts.semantics.lexicon import COUNT
from scripts.semantics.questions import contradictions


def free_terms(lexicon: Lexicon, text: str) -> dict[str, str]:
    """The terms that a text in free words states: those whose value it names, and names no other of.

    A sentence of the lexicon is read exactly. In any other, a value counts where its words stand; those that two terms
    share count where the term's own word stands within a few words. Negation is not understood.

    Args:
        lexicon: the words.
        text: any.
    """
    try:
        return {term: value for term, value in parse_sentence(lexicon, text.strip()).items() if value}
    except BundleError:
        pass
    plain = " ".join(re.findall(r"[a-z]+", text.lower()))
    values = [value for term in lexicon.terms if term != COUNT for value in lexicon.terms[term]]
    stated = {}
    for term, own in lexicon.terms.items():
        if term == COUNT:
            continue
        named = []
        # Longest first: "not parallel" is not "parallel".
        rest = plain
        for value in sorted(own, key=len, reverse=True):
            words = re.escape(value)
            near = rf"\b{words}\b(?= (?:\w+ ){{0,2}}{term})|(?<={term} )(?:\w+ ){{0,2}}\b{words}\b"
            pattern = near if values.count(value) > 1 else rf"\b{words}\b"
            if re.search(pattern, rest):
                named.append(value)
                rest = re.sub(pattern, " ", rest)
        if len(named) == 1:
            stated[term] = named[0]
    return stated


class HallucinationCount:
    """How often each term was stated, and how often it was not true.

    Args:
        lexicon: whose terms.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.stated: Counter[str] = Counter()
        self.false: Counter[str] = Counter()

    def add(self, said: Mapping[str, str], measured: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Count one text; what it contradicts, as of :func:`scripts.semantics.questions.contradictions`."""
        wrong = contradictions(said, measured)
        self.stated.update(term for term in said if term in measured and term != COUNT)
        self.false.update(list(wrong))
        return wrong

    def rows(self) -> list[dict[str, Any]]:
        """A row by term, and one of all."""
        rows = [
            {"term": term, "stated": self.stated[term], "not true": self.false[term]}
            for term in self.lexicon.terms
            if self.stated[term]
        ]
        rows.append({"term": "all", "stated": self.stated.total(), "not true": self.false.total()})
        return [{**row, "rate": row["not true"] / row["stated"] if row["stated"] else None} for row in rows]
