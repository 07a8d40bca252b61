"""The prompts of breast ultrasound: the fixed one, those it is trained among, those it is swapped with."""

from __future__ import annotations

from scripts.semantics.prompts import EMPTY_PROMPT, RANDOM_WORDS, Prompts

#: Where to look, in every training and inference run: of no class. Its embedding lives in the checkpoint.
FIXED_PROMPT = "A focal lesion in a breast ultrasound image."

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
LIKE_A_LESION = ("lump", "mammogram", "mammary", "sonographic", "ultrasonic", "ultrasonography")


def make_prompts() -> Prompts:
    """The prompts of breast ultrasound, for the site's file."""
    return Prompts(FIXED_PROMPT, LESION_PROMPTS, CLASS_WORDS, PROMPT_SWAPS, LIKE_A_LESION)
