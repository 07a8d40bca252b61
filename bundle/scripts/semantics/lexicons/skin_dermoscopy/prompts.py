"""The prompts of skin lesions in dermoscopy: the fixed one, those it is trained among, those it is swapped with."""

from __future__ import annotations

from scripts.semantics.lexicons.elsewhere import without
from scripts.semantics.prompts import EMPTY_PROMPT, OTHER_PROMPTS, RANDOM_WORDS, Prompts

#: Where to look, in every training and inference run: of no class. Its embedding lives in the adapter.
FIXED_PROMPT = "A skin lesion in a dermoscopy image."

#: Ways to ask for a lesion; ``{}`` takes any word.
LESION_PROMPTS: tuple[str, ...] = (
    FIXED_PROMPT,
    "A skin lesion.",
    "A pigmented lesion.",
    "A pigmented lesion of the skin.",
    "A mole seen through a dermatoscope.",
    "Dermoscopy of a pigmented skin lesion.",
    "Where is the lesion in this image of the skin?",
    "The area whose colour differs from the skin around it.",
    "A {} lesion in a dermoscopy image.",
    "A {} pigmented lesion of the skin.",
    "A {} mole.",
)

#: Other words for the same: should change nothing.
SYNONYMS: tuple[str, ...] = (
    "A pigmented lesion in a dermoscopy image.",
    "A lesion of the skin seen in dermoscopy.",
    "A mole in a dermoscopic image.",
    "The lesion in this dermatoscopic image.",
)

#: Words of diagnosis, for the swap and for the ablation with class names only; no description holds them.
CLASS_WORDS: dict[str, str] = {
    "benign": "A benign lesion in a dermoscopy image.",
    "malignant": "A malignant lesion in a dermoscopy image.",
    "normal": "A dermoscopy image of skin without a lesion.",
}

#: Fixed prompts of other sites and modalities; training has not seen these sentences.
OTHER_ORGANS: tuple[str, ...] = (
    "A focal lesion in a breast ultrasound image.",
    "A polyp in a colonoscopy image.",
    "A nodule in a thyroid ultrasound image.",
    "The left kidney in an abdominal computed tomography image.",
    "An opacity in a chest radiograph.",
)

#: All swaps by name, in the order of the table.
PROMPT_SWAPS: dict[str, tuple[str, ...]] = {
    "fixed": (FIXED_PROMPT,),
    "synonyms": SYNONYMS,
    "class words": (CLASS_WORDS["benign"], CLASS_WORDS["malignant"]),
    "empty": (EMPTY_PROMPT,),
    "random words": RANDOM_WORDS,
    "another organ": OTHER_ORGANS,
    "the breast's": ("A focal lesion in a breast ultrasound image.",),
}

#: Words of everyday speech for a skin lesion, which no sentence here uses.
LIKE_A_LESION = ("nevus", "naevus", "freckle", "birthmark", "melanocytic", "dermatology", "spot")


def make_prompts() -> Prompts:
    """The prompts of skin lesions in dermoscopy, for the site's file."""
    other = (*OTHER_PROMPTS, *without("skin_dermoscopy"))
    return Prompts(FIXED_PROMPT, LESION_PROMPTS, CLASS_WORDS, PROMPT_SWAPS, LIKE_A_LESION, other)
