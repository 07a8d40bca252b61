"""The one prompt of the bundle, the sentences it is trained among, and those it is swapped with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from .lexicon import FORBIDDEN_STEMS, TERMS

#: Where to look, in every training and inference run: of no class. Its embedding lives in the checkpoint.
FIXED_PROMPT = "A focal lesion in a breast ultrasound image."

#: Nothing at all.
EMPTY_PROMPT = ""

#: Ways to ask for a lesion, the fixed prompt among them; ``{}`` takes any word, for no adjective makes a lesion less
#: of one. None of the swaps below is here: what they do is learned from other sentences.
LESION_PROMPTS: tuple[str, ...] = (
    FIXED_PROMPT,
    "A focal lesion.",
    "A breast lesion.",
    "A mass in the breast.",
    "A mass on breast ultrasound.",
    "The focal mass seen in a breast ultrasound image.",
    "Ultrasound of the breast with a lesion.",
    "Ultrasound image of a breast mass.",
    "A sonogram of the breast showing a focal lesion.",
    "Breast sonography: a nodule.",
    "A nodule in the breast on ultrasound.",
    "The nodule in this breast ultrasound image.",
    "Where is the lesion in this image of the breast?",
    "Show the mass in this sonogram.",
    "The region of the breast that differs from the surrounding tissue.",
    "An area whose echo pattern differs from the breast tissue around it.",
    "A circumscribed area of other echoes in the breast.",
    "A {} lesion in a breast ultrasound image.",
    "A {} mass in a breast ultrasound image.",
    "A {} focal lesion in an ultrasound image of the breast.",
    "A {} nodule of the breast seen on ultrasound.",
    "A {} breast lesion on ultrasound.",
)

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

#: Other words for the same: should change nothing.
SYNONYMS: tuple[str, ...] = (
    "A focal mass in a breast ultrasound image.",
    "A breast lesion seen on ultrasound.",
    "Breast sonogram with a focal mass.",
    "The lesion in this ultrasound image of the breast.",
    "An area of the breast whose echoes differ from the tissue around it.",
)

#: Words of diagnosis, for the swap and for the ablation with class names only; no description holds them.
CLASS_WORDS: dict[str, str] = {
    "benign": "A benign lesion in a breast ultrasound image.",
    "malignant": "A malignant lesion in a breast ultrasound image.",
    "normal": "A breast ultrasound image without a lesion.",
}

#: Words without meaning here.
RANDOM_WORDS: tuple[str, ...] = (
    "Seventeen yellow umbrellas negotiate quietly.",
    "Teapot gravel velocity sandwich marble.",
    "The train to the harbour leaves at noon.",
    "Lorem ipsum dolor sit amet.",
)

#: Other organs, other modalities.
OTHER_ORGANS: tuple[str, ...] = (
    "A polyp in a colonoscopy image.",
    "A pigmented spot in a dermoscopy image of the skin.",
    "The left kidney in an abdominal computed tomography image.",
    "The left ventricle in an echocardiogram.",
    "An opacity in a chest radiograph.",
)

#: All swaps by name, in the order of the ablation table.
PROMPT_SWAPS: dict[str, tuple[str, ...]] = {
    "fixed": (FIXED_PROMPT,),
    "synonyms": SYNONYMS,
    "class words": (CLASS_WORDS["benign"], CLASS_WORDS["malignant"]),
    "empty": (EMPTY_PROMPT,),
    "random words": RANDOM_WORDS,
    "another organ": OTHER_ORGANS,
}


#: Words of everyday speech for a lesion, which no sentence here uses.
_LIKE_A_LESION = ("lump", "mammogram", "mammary", "sonographic", "ultrasonic", "ultrasonography")


def fill_prompt(pattern: str, words: Sequence[str], draw: Callable[[int], int]) -> str:
    """A pattern with words drawn at random in its gaps.

    Args:
        pattern: one of ``LESION_PROMPTS`` or ``OTHER_PROMPTS``.
        words: to draw from.
        draw: ``draw(n)`` is a random number below n.
    """
    return pattern.format(*(words[draw(len(words))] for _ in range(pattern.count("{}"))))


def other_words(vocabulary: Iterable[str]) -> list[str]:
    """Words of a vocabulary that say nothing of a lesion: none of the lesion prompts' and the lexicon's, singular or
    plural, none with a stem of a diagnosis in it, and none of the swaps', whose effect is to be measured on words that
    were never trained.

    Args:
        vocabulary: any words.

    Returns:
        Those of four letters or more, a to z, in order.
    """
    swapped, terms = chain.from_iterable(PROMPT_SWAPS.values()), chain.from_iterable(TERMS.values())
    taken = set(re.findall("[a-z]+", " ".join((*LESION_PROMPTS, *TERMS, *terms, *swapped, *_LIKE_A_LESION)).lower()))
    taken |= {word + ending for word in taken for ending in ("s", "es")}
    plain = (word for word in sorted(set(vocabulary)) if re.fullmatch("[a-z]{4,}", word))
    return [word for word in plain if word not in taken and not any(stem in word for stem in FORBIDDEN_STEMS)]
