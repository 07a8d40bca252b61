"""How the terms are said: slots, and the sentences that they stand in."""

from __future__ import annotations

from .terms import TERMS

_AT = {value: "in the centre" if value == "centre" else f"in the {value} quadrant" for value in TERMS["place"]}

#: Slots of the patterns: the term that each holds and its words for every value.
SLOTS: dict[str, tuple[str, dict[str, str]]] = {
    "shape": ("shape", {value: value for value in TERMS["shape"]}),
    "a_shape": ("shape", {"oval": "an oval", "round": "a round", "irregular": "an irregular"}),
    "size": ("size", {"small": "small", "medium": "medium-sized", "large": "large"}),
    "place": ("place", _AT),
    "contrast": (
        "contrast",
        {
            "darker": "darker than the mucosa",
            "similar": "as bright as the mucosa",
            "brighter": "brighter than the mucosa",
        },
    ),
    "color": (
        "color",
        {"paler": "paler in colour", "similar": "of the colour of the mucosa", "redder": "redder in colour"},
    ),
    "surface": (
        "surface",
        {"smooth": "a smooth surface", "similar": "the surface of the mucosa", "textured": "a textured surface"},
    ),
    "edge": ("edge", {"sharp": "a sharp edge", "blurred": "a blurred edge"}),
    "more": ("lesions", {"one": "", "several": " It is the largest of several polyps."}),
    "count": ("lesions", {"none": "no polyp", "one": "one polyp", "several": "several polyps"}),
}

#: Phrasings of an image with a polyp: each states every term.
LESION_PHRASINGS: tuple[str, ...] = (
    "A {size}, {shape} polyp {place} of the image, {contrast}, {color}, with {surface} and {edge}.{more}",
    "Shape: {shape}. Size: {size}. Place: {place}. Contrast: {contrast}. Colour: {color}. Surface: {surface}. "
    "Edge: {edge}.{more}",
    "The colonoscopy image shows {a_shape} polyp {place}. It is {size}, {contrast} and {color}; it has {surface} and "
    "{edge}.{more}",
    "Polyp of {shape} outline with {surface} and {edge}, {size}, {contrast}, {color}, {place} of the image.{more}",
    "In the colon {a_shape} polyp with {edge} lies {place}: {size}, {color}, {contrast}, with {surface}.{more}",
)

#: Phrasings of an image without one.
NO_LESION_PHRASINGS: tuple[str, ...] = (
    "No polyp in the image of the colon.",
    "The image shows colonic mucosa without a polyp.",
)

#: One term alone, for telling two values of it apart.
TERM_PHRASINGS: dict[str, str] = {
    "lesions": "{count} in the image",
    "shape": "a polyp of {shape} outline",
    "size": "a {size} polyp",
    "place": "a polyp {place} of the image",
    "contrast": "a polyp {contrast}",
    "color": "a polyp {color}",
    "surface": "a polyp with {surface}",
    "edge": "a polyp with {edge}",
}
