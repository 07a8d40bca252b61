"""The terms that free words state: of a question, or of a text that no template wrote."""

from __future__ import annotations

import re

from scripts.errors import BundleError
from scripts.semantics.lexicon import COUNT, Lexicon
from scripts.semantics.sentences import parse_sentence


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
