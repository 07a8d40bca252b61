"""What training asks for elsewhere: lesions of other organs, which an image of this site never shows."""

from __future__ import annotations

#: Sentences by site. None of them is a fixed prompt or a swap, whose effect is measured on words never trained.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "breast_ultrasound": (
        "A breast lesion.",
        "A mass on breast ultrasound.",
        "A sonogram of the breast showing a focal lesion.",
        "A {} mass in a breast ultrasound image.",
    ),
    "thyroid_ultrasound": (
        "A thyroid nodule.",
        "A nodule of the thyroid on ultrasound.",
        "A {} nodule in an ultrasound image of the thyroid.",
    ),
    "skin_dermoscopy": (
        "A skin lesion.",
        "A mole seen through a dermatoscope.",
        "A {} lesion in a dermoscopy image.",
    ),
    "polyp_colonoscopy": (
        "A polyp of the colon.",
        "An endoscopic image of the bowel with a polyp.",
        "A {} polyp in an endoscopy image.",
    ),
}


def without(site: str) -> tuple[str, ...]:
    """The sentences of all sites but one."""
    return tuple(sentence for name, sentences in ELSEWHERE.items() if name != site for sentence in sentences)
