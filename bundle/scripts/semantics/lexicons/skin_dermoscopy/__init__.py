"""Dermoscopy of the skin: the ABCD rule in words, rules and prompts."""

from __future__ import annotations

from scripts.semantics.lexicon import Lexicon
from scripts.semantics.lexicons.assembly import assemble

from . import phrasings, rules, terms
from .prompts import make_prompts
from .rules import Thresholds

__all__ = ["Thresholds", "make_lexicon", "make_prompts"]


def make_lexicon(thresholds: Thresholds = Thresholds()) -> Lexicon:
    """The lexicon of dermoscopy, for the site's file.

    Args:
        thresholds: where one term ends and the next begins.
    """
    return assemble(terms, phrasings, rules, thresholds, colored=True)
