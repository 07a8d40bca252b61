"""Questions about lesions and their answers: written, matched, read and checked against measurements."""

from .answers import (
    NO_LESION,
    NONE_OF_KIND,
    SEG,
    check_words,
    contradictions,
    read_answer,
    write_answer,
)
from .asking import ASK_ALL, KINDS, RandQuestiond
from .reading import free_terms
from .referring import RELATIONS, choose_related, matching, refer_to
from .vocabulary import known_words, training_texts, unknown_words

__all__ = [
    "ASK_ALL",
    "KINDS",
    "NONE_OF_KIND",
    "NO_LESION",
    "RELATIONS",
    "SEG",
    "RandQuestiond",
    "check_words",
    "choose_related",
    "contradictions",
    "free_terms",
    "known_words",
    "matching",
    "read_answer",
    "refer_to",
    "training_texts",
    "unknown_words",
    "write_answer",
]
