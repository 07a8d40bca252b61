"""The words of the ABCD rule, and the words that no description may hold.

Terms: asymmetry, border, colours and diameter (Friedman, Rigel and Kopf, CA Cancer J Clin 35:130-151, 1985); axes of
asymmetry, the eight segments of the border and the six colours as in the ABCD rule of dermoscopy (Nachbar et al., J Am
Acad Dermatol 30:551-559, 1994). Size and place are those of the image: a single picture shows no more.
"""

from __future__ import annotations

from scripts.semantics.lexicons.diagnosis_words import DIAGNOSIS_STEMS

#: Every field of a description and the values it can take.
TERMS: dict[str, tuple[str, ...]] = {
    "lesions": ("none", "one", "several"),
    "asymmetry": ("symmetric", "asymmetric in one axis", "asymmetric in two axes"),
    "border": ("gradual", "partly abrupt", "abrupt"),
    "colors": ("one", "two", "three", "four or more"),
    "hue": ("white", "red", "light brown", "dark brown", "blue-gray", "black"),
    "size": ("small", "medium", "large"),
    "place": ("centre", "upper left", "upper right", "lower left", "lower right"),
}

LESION_TERMS = tuple(name for name in TERMS if name != "lesions")

#: The rule's own terms: those that a reader weighs.
WEIGHED_TERMS = ("asymmetry", "border", "colors", "hue")

#: What a mirror image turns into what.
MIRRORED = {
    "place": {
        "upper left": "upper right",
        "upper right": "upper left",
        "lower left": "lower right",
        "lower right": "lower left",
    }
}

FORBIDDEN_STEMS = (*DIAGNOSIS_STEMS, *"melanom nevus naevus nevi naevi dysplast keratos basal squam angiom".split())
