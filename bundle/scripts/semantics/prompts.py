"""Prompts: the fixed one of a site, the sentences it is trained among, and those it is swapped with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from .lexicon import Lexicon

#: Nothing at all.
EMPTY_PROMPT = ""

#: Sentences about anything else, their words drawn at random.
OTHER_PROMPTS: tuple[str, ...] = (
    EMPTY_PROMPT,
    "A {} in a {} image.",
    "A {} in a {} image of the {}.",
    "The {} {} in a {} {} image.",
    "The {} {} in a {} image.",
    "{} {} {} {}.",
    "{} {} {} {} {}.",
    "The {} to the {} {} at {}.",
    "An {} in a {} {}.",
    "The {} of the {}.",
)

#: Words without meaning here.
RANDOM_WORDS: tuple[str, ...] = (
    "Seventeen yellow umbrellas negotiate quietly.",
    "Teapot gravel velocity sandwich marble.",
    "The train to the harbour leaves at noon.",
    "Lorem ipsum dolor sit amet.",
)


@dataclass(frozen=True)
class Prompts:
    """What a network is asked for.

    Attributes:
        fixed: where to look, in every training and inference run: of no class. Its embedding lives in the checkpoint.
        lesion: ways to ask for a lesion, the fixed prompt among them; ``{}`` takes any word.
        class_words: a sentence for each class and for no lesion, for a row of the ablation; no description holds it.
        swaps: by kind, sentences whose effect is measured; training sees none of them but the fixed prompt.
        like_a_lesion: further words that may mean a lesion, which training must not take for something else.
        other: sentences about anything else; random words fill their gaps.
    """

    fixed: str
    lesion: Sequence[str]
    class_words: Mapping[str, str] = field(default_factory=dict)
    swaps: Mapping[str, Sequence[str]] = field(default_factory=dict)
    like_a_lesion: Sequence[str] = ()
    other: Sequence[str] = OTHER_PROMPTS


def fill_prompt(pattern: str, words: Sequence[str], draw: Callable[[int], int]) -> str:
    """A pattern with words drawn at random in its gaps.

    Args:
        pattern: of :class:`Prompts`, such as "A {} lesion.".
        words: to draw from.
        draw: ``draw(n)`` is a random number below n.
    """
    return pattern.format(*(words[draw(len(words))] for _ in range(pattern.count("{}"))))


def other_words(vocabulary: Iterable[str], prompts: Prompts, lexicon: Lexicon) -> list[str]:
    """Words of a vocabulary that say nothing of a lesion: none of the lesion prompts' and the lexicon's, singular or
    plural, none with a stem of a diagnosis in it, and none of the swaps', whose effect is to be measured on words that
    were never trained.

    Args:
        vocabulary: any words.
        prompts: whose words are taken.
        lexicon: whose words are taken.

    Returns:
        Those of four letters or more, a to z, in order.
    """
    swapped, values = chain.from_iterable(prompts.swaps.values()), chain.from_iterable(lexicon.terms.values())
    spoken = " ".join((*prompts.lesion, *lexicon.terms, *values, *swapped, *prompts.like_a_lesion))
    taken = set(re.findall("[a-z]+", spoken.lower()))
    taken |= {word + ending for word in taken for ending in ("s", "es")}
    plain = (word for word in sorted(set(vocabulary)) if re.fullmatch("[a-z]{4,}", word))
    return [word for word in plain if word not in taken and not any(stem in word for stem in lexicon.forbidden_stems)]
