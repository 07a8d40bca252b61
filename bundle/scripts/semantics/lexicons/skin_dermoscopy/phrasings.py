"""How the terms are said: slots, and the sentences that they stand in."""

from __future__ import annotations

from .terms import TERMS

_COUNTED = {"one": "one colour", "two": "two colours", "three": "three colours", "four or more": "four or more colours"}
_AT = {value: "in the centre" if value == "centre" else f"in the {value} quadrant" for value in TERMS["place"]}

#: Slots of the patterns: the term that each holds and its words for every value.
SLOTS: dict[str, tuple[str, dict[str, str]]] = {
    "asymmetry": ("asymmetry", {value: value for value in TERMS["asymmetry"]}),
    "border": ("border", {value: value for value in TERMS["border"]}),
    "colors": ("colors", _COUNTED),
    "hue": ("hue", {value: value for value in TERMS["hue"]}),
    "size": ("size", {"small": "small", "medium": "medium-sized", "large": "large"}),
    "place": ("place", _AT),
    "more": ("lesions", {"one": "", "several": " It is the largest of several lesions."}),
    "count": ("lesions", {"none": "no lesion", "one": "one lesion", "several": "several lesions"}),
}

#: Phrasings of an image with a lesion: each states every term.
LESION_PHRASINGS: tuple[str, ...] = (
    "A {size} skin lesion {place} of the image, {asymmetry}, with {border} border and {colors}, mostly {hue}.{more}",
    "Asymmetry: {asymmetry}. Border: {border}. Colours: {colors}, mostly {hue}. Size: {size}. Place: {place}.{more}",
    "The dermoscopy image shows a lesion {place}: {size}, {asymmetry}. Its border is {border}; it has {colors} and is "
    "mostly {hue}.{more}",
    "Mostly {hue} lesion of {colors}, {asymmetry}, {size}, {border} at its border, {place} of the image.{more}",
    "A lesion with {colors}, mostly {hue}, lies {place}. It is {asymmetry} and {size}; the border is {border}.{more}",
)

#: Phrasings of an image without one.
NO_LESION_PHRASINGS: tuple[str, ...] = ("No lesion in the image of the skin.", "The image shows skin without a lesion.")

#: One term alone, for telling two values of it apart.
TERM_PHRASINGS: dict[str, str] = {
    "lesions": "{count} in the image",
    "asymmetry": "a skin lesion that is {asymmetry}",
    "border": "a skin lesion with {border} border",
    "colors": "a skin lesion of {colors}",
    "hue": "a mostly {hue} skin lesion",
    "size": "a {size} skin lesion",
    "place": "a skin lesion {place} of the image",
}
