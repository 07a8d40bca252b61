"""What every site's lexicon is put together with."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from scripts.semantics.lexicon import Lexicon


def assemble(terms: ModuleType, phrasings: ModuleType, rules: ModuleType, thresholds: Any, **options: Any) -> Lexicon:
    """The lexicon of a site's folder.

    Args:
        terms, phrasings, rules: modules of the folder.
        thresholds: of its rules, where one term ends and the next begins.
        options: further ones of :class:`Lexicon`.
    """
    return Lexicon(
        terms=terms.TERMS,
        lesion_terms=terms.LESION_TERMS,
        slots=phrasings.SLOTS,
        lesion_phrasings=phrasings.LESION_PHRASINGS,
        no_lesion_phrasings=phrasings.NO_LESION_PHRASINGS,
        term_phrasings=phrasings.TERM_PHRASINGS,
        measure=rules.measure,
        choose=rules.choose_terms,
        thresholds=thresholds,
        weighed_terms=terms.WEIGHED_TERMS,
        mirrored=terms.MIRRORED,
        forbidden_stems=terms.FORBIDDEN_STEMS,
        **options,
    )


def grade(words: Sequence[str], value: float, first: float, second: float) -> str:
    """Which of three words a number stands for: below ``first``, below ``second``, or above."""
    return words[(value >= first) + (value >= second)]
