"""A lexicon's words: measured from mask and image, written as sentences and read back, asked for in prompts."""

from .descriptions import read_descriptions, write_descriptions
from .lesion_words import LesionWords
from .lexicon import Lexicon, Morphology
from .measures.lesion import Description, describe_lesion, measure_lesion
from .prompts import EMPTY_PROMPT, OTHER_PROMPTS, RANDOM_WORDS, Prompts, fill_prompt, other_words
from .regions import DescribeRegionsd, describe_region, separate_regions
from .sentences import all_sentences, parse_sentence, phrasings_of, write_sentence, write_term
from .teaching import TEXTS, Teaching, teach
from .transforms import ClassWordsd, DescribeLesiond, RandMirrord, RandPhrased, RandPrompt

__all__ = [
    "EMPTY_PROMPT",
    "OTHER_PROMPTS",
    "RANDOM_WORDS",
    "TEXTS",
    "ClassWordsd",
    "DescribeLesiond",
    "DescribeRegionsd",
    "Description",
    "LesionWords",
    "Lexicon",
    "Morphology",
    "Prompts",
    "RandMirrord",
    "RandPhrased",
    "RandPrompt",
    "Teaching",
    "all_sentences",
    "describe_lesion",
    "describe_region",
    "fill_prompt",
    "measure_lesion",
    "other_words",
    "parse_sentence",
    "phrasings_of",
    "read_descriptions",
    "separate_regions",
    "teach",
    "write_descriptions",
    "write_sentence",
    "write_term",
]
