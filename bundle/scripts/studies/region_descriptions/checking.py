"""What a text says of a lesion against what is measured, term by term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from scripts.semantics import Lexicon
from scripts.semantics.lexicon import COUNT
from scripts.semantics.questions import contradictions


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
