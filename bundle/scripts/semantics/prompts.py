"""The one prompt of the bundle, and the texts that it is swapped with to see what language does."""

from __future__ import annotations

#: Where to look, in every training and inference run: of no class. Its embedding lives in the checkpoint.
FIXED_PROMPT = "A focal lesion in a breast ultrasound image."

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

#: Nothing at all.
EMPTY_PROMPT = ""

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
