"""The words for a polyp in a colonoscopy image, and the words that no description may hold.

Colour and surface are judged against the mucosa around the polyp, as in the NICE classification (Hewett et al.,
Gastroenterology 143:599-607, 2012). The Paris classes (Gastrointest Endosc 58:S3-S43, 2003) need height above the
mucosa, which an outline does not show: the shape here is that of the outline. Size and place are those of the image.
"""

from __future__ import annotations

from scripts.semantics.lexicons.diagnosis_words import DIAGNOSIS_STEMS

#: Every field of a description and the values it can take.
TERMS: dict[str, tuple[str, ...]] = {
    "lesions": ("none", "one", "several"),
    "shape": ("oval", "round", "irregular"),
    "size": ("small", "medium", "large"),
    "place": ("centre", "upper left", "upper right", "lower left", "lower right"),
    "contrast": ("darker", "similar", "brighter"),
    "color": ("paler", "similar", "redder"),
    "surface": ("smooth", "similar", "textured"),
    "edge": ("sharp", "blurred"),
}

LESION_TERMS = tuple(name for name in TERMS if name != "lesions")

#: Those that a reader weighs.
WEIGHED_TERMS = ("shape", "contrast", "color", "surface")

#: What a mirror image turns into what.
MIRRORED = {
    "place": {
        "upper left": "upper right",
        "upper right": "upper left",
        "lower left": "lower right",
        "lower right": "lower left",
    }
}

FORBIDDEN_STEMS = (*DIAGNOSIS_STEMS, *"dysplas serrat villous tubul inflamm".split())
