"""The words that a small language model can have learned: a question with others is about something else."""

from __future__ import annotations

import re
from itertools import chain

from scripts.semantics.lexicon import Lexicon
from scripts.semantics.sentences import all_sentences

from .answers import NO_LESION, NONE_OF_KIND
from .asking import ASK_ALL, ASK_FOR, ASK_RELATED
from .referring import NOUNS, RELATIONS, refer_to

#: Words of grammar that change nothing.
PLAIN = (
    "a an the and or of in on at to is are there any it its this that these one ones with please me show find where "
    "what which does look like how many all every image picture can you see do i tell about"
).split()


def training_texts(lexicon: Lexicon) -> list[str]:
    """Sentences and questions that a tokenizer is trained on: all descriptions, and each term asked for in each way.

    Args:
        lexicon: the words of one site.
    """
    texts = [sentence for number, (_, sentence) in enumerate(all_sentences(lexicon)) if number % 20 == 0]
    for term, values in lexicon.terms.items():
        for value in values:
            named = [refer_to(lexicon, {term: value}, noun, short) for noun in NOUNS for short in (False, True)]
            texts += [pattern.format(name) for pattern in ASK_FOR for name in named]
    texts += [*ASK_ALL, *(pattern.format(word) for pattern in ASK_RELATED for word in RELATIONS)] * 20
    return texts + [NO_LESION, NONE_OF_KIND, "A lesion."] * 50


def known_words(lexicon: Lexicon, title: str = "") -> frozenset[str]:
    """Every word of the question templates, of the lexicon and of grammar, in small letters.

    Args:
        lexicon: the words of one site.
        title: the site's name for people, whose words may be said.
    """
    forms = chain.from_iterable(words.values() for _, words in lexicon.slots.values())
    texts = chain(ASK_ALL, ASK_FOR, ASK_RELATED, NOUNS, RELATIONS, PLAIN, forms, lexicon.terms)
    texts = chain(texts, lexicon.term_phrasings.values(), chain.from_iterable(lexicon.terms.values()))
    known = set(_words(" ".join((title, *texts))))
    return frozenset(known | {f"{word}s" for word in known} | {f"{word}es" for word in known})


def unknown_words(lexicon: Lexicon, question: str, title: str = "") -> list[str]:
    """Words of a question that no question of training had, in their order; in another language nearly all.

    Args:
        lexicon: the words of the site.
        question: any text.
        title: see :func:`known_words`.
    """
    known = known_words(lexicon, title)
    return [word for word in dict.fromkeys(_words(question)) if word not in known]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", text.lower())
