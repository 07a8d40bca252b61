"""The prompts of thyroid nodules in ultrasound: the fixed one, those it is trained among, those it is swapped with."""

from __future__ import annotations

from scripts.semantics.lexicons.elsewhere import without
from scripts.semantics.prompts import EMPTY_PROMPT, OTHER_PROMPTS, RANDOM_WORDS, Prompts

#: Where to look, in every training and inference run: of no class. Its embedding lives in the adapter.
FIXED_PROMPT = "A nodule in a thyroid ultrasound image."

#: Ways to ask for a nodule; ``{}`` takes any word.
LESION_PROMPTS: tuple[str, ...] = (
    FIXED_PROMPT,
    "A thyroid nodule.",
    "A nodule of the thyroid on ultrasound.",
    "A focal lesion of the thyroid gland.",
    "Ultrasound of the thyroid with a nodule.",
    "Thyroid sonography: a nodule.",
    "Where is the nodule in this image of the thyroid?",
    "An area whose echoes differ from the thyroid tissue around it.",
    "A {} nodule in a thyroid ultrasound image.",
    "A {} nodule of the thyroid gland.",
    "A {} thyroid lesion on ultrasound.",
)

#: Other words for the same: should change nothing.
SYNONYMS: tuple[str, ...] = (
    "A thyroid nodule seen on ultrasound.",
    "A focal nodule in an ultrasound image of the thyroid.",
    "Thyroid sonogram with a nodule.",
    "The nodule in this ultrasound image of the thyroid gland.",
)

#: Fixed prompts of other sites and modalities; training has not seen these sentences.
OTHER_ORGANS: tuple[str, ...] = (
    "A focal lesion in a breast ultrasound image.",
    "A polyp in a colonoscopy image.",
    "A skin lesion in a dermoscopy image.",
    "The left kidney in an abdominal computed tomography image.",
    "An opacity in a chest radiograph.",
)

#: All swaps by name, in the order of the table.
PROMPT_SWAPS: dict[str, tuple[str, ...]] = {
    "fixed": (FIXED_PROMPT,),
    "synonyms": SYNONYMS,
    "empty": (EMPTY_PROMPT,),
    "random words": RANDOM_WORDS,
    "another organ": OTHER_ORGANS,
    "the breast's": ("A focal lesion in a breast ultrasound image.",),
}

#: Words of everyday speech for a nodule, which no sentence here uses.
LIKE_A_LESION = ("lump", "goiter", "goitre", "sonographic", "ultrasonic", "ultrasonography", "neck")


def make_prompts() -> Prompts:
    """The prompts of thyroid nodules in ultrasound, for the site's file."""
    other = (*OTHER_PROMPTS, *without("thyroid_ultrasound"))
    return Prompts(FIXED_PROMPT, LESION_PROMPTS, {}, PROMPT_SWAPS, LIKE_A_LESION, other)
