"""The prompts of polyps in colonoscopy: the fixed one, those it is trained among, those it is swapped with."""

from __future__ import annotations

from scripts.semantics.lexicons.elsewhere import without
from scripts.semantics.prompts import EMPTY_PROMPT, OTHER_PROMPTS, RANDOM_WORDS, Prompts

#: Where to look, in every training and inference run: of no class. Its embedding lives in the adapter.
FIXED_PROMPT = "A polyp in a colonoscopy image."

#: Ways to ask for a polyp; ``{}`` takes any word.
LESION_PROMPTS: tuple[str, ...] = (
    FIXED_PROMPT,
    "A polyp.",
    "A polyp of the colon.",
    "A colorectal polyp seen in endoscopy.",
    "A protrusion of the colonic mucosa.",
    "An endoscopic image of the bowel with a polyp.",
    "Where is the polyp in this colonoscopy frame?",
    "The raised area of the mucosa.",
    "A {} polyp in a colonoscopy image.",
    "A {} polyp of the colon seen in endoscopy.",
    "A {} protrusion of the mucosa.",
)

#: Other words for the same: should change nothing.
SYNONYMS: tuple[str, ...] = (
    "A polyp in an endoscopy image.",
    "A colonic polyp seen on colonoscopy.",
    "A mucosal protrusion in the colon.",
    "The polyp in this endoscopic image of the colon.",
)

#: Fixed prompts of other sites and modalities; training has not seen these sentences.
OTHER_ORGANS: tuple[str, ...] = (
    "A focal lesion in a breast ultrasound image.",
    "A pigmented spot in a dermoscopy image of the skin.",
    "A nodule in a thyroid ultrasound image.",
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

#: Words of everyday speech for a polyp, which no sentence here uses.
LIKE_A_LESION = ("growth", "adenoma", "intestine", "intestinal", "rectum", "rectal", "endoscope")


def make_prompts() -> Prompts:
    """The prompts of polyps in colonoscopy, for the site's file."""
    other = (*OTHER_PROMPTS, *without("polyp_colonoscopy"))
    return Prompts(FIXED_PROMPT, LESION_PROMPTS, {}, PROMPT_SWAPS, LIKE_A_LESION, other)
