"""Lesion morphology in words: the BI-RADS ultrasound lexicon, measured from mask and image."""

from .descriptions import read_descriptions, require_context, write_descriptions
from .lexicon import FORBIDDEN_STEMS, LESION_TERMS, TERMS, Morphology, find_forbidden
from .measures.lesion import Description, describe_lesion
from .prompts import (
    CLASS_WORDS,
    EMPTY_PROMPT,
    FIXED_PROMPT,
    LESION_PROMPTS,
    OTHER_ORGANS,
    OTHER_PROMPTS,
    PROMPT_SWAPS,
    RANDOM_WORDS,
    SYNONYMS,
    fill_prompt,
    other_words,
)
from .sentences import all_sentences, parse_sentence, phrasings_of, write_sentence, write_term
from .teaching import TEXTS, Teaching, teach
from .terms import Thresholds, choose_terms
from .transforms import ClassWordsd, DescribeLesiond, RandMirrord, RandPhrased, RandPrompt

__all__ = [
    "CLASS_WORDS",
    "EMPTY_PROMPT",
    "FIXED_PROMPT",
    "FORBIDDEN_STEMS",
    "LESION_PROMPTS",
    "LESION_TERMS",
    "OTHER_ORGANS",
    "OTHER_PROMPTS",
    "PROMPT_SWAPS",
    "RANDOM_WORDS",
    "SYNONYMS",
    "TERMS",
    "TEXTS",
    "ClassWordsd",
    "DescribeLesiond",
    "Description",
    "Morphology",
    "RandMirrord",
    "RandPhrased",
    "RandPrompt",
    "Teaching",
    "Thresholds",
    "all_sentences",
    "choose_terms",
    "describe_lesion",
    "fill_prompt",
    "find_forbidden",
    "other_words",
    "parse_sentence",
    "phrasings_of",
    "read_descriptions",
    "require_context",
    "teach",
    "write_descriptions",
    "write_sentence",
    "write_term",
]
