"""Thyroid ultrasound: the ACR TI-RADS lexicon in words, rules and prompts."""

from __future__ import annotations

from scripts.semantics.lexicon import Lexicon

from .phrasings import LESION_PHRASINGS, NO_LESION_PHRASINGS, SLOTS, TERM_PHRASINGS
from .prompts import make_prompts
from .rules import Thresholds, choose_terms, measure
from .terms import ALLOWED_WORDS, FORBIDDEN_STEMS, LESION_TERMS, TERMS, WEIGHED_TERMS

__all__ = ["Thresholds", "make_lexicon", "make_prompts"]


def make_lexicon(thresholds: Thresholds = Thresholds()) -> Lexicon:
    """The lexicon of thyroid ultrasound, for the site's file.

    Args:
        thresholds: where one term ends and the next begins.
    """
    return Lexicon(
        terms=TERMS,
        lesion_terms=LESION_TERMS,
        slots=SLOTS,
        lesion_phrasings=LESION_PHRASINGS,
        no_lesion_phrasings=NO_LESION_PHRASINGS,
        term_phrasings=TERM_PHRASINGS,
        measure=measure,
        choose=choose_terms,
        thresholds=thresholds,
        weighed_terms=WEIGHED_TERMS,
        forbidden_stems=FORBIDDEN_STEMS,
        allowed_words=ALLOWED_WORDS,
    )
