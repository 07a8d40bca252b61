"""How the terms are said: slots, and the sentences that they stand in."""

from __future__ import annotations

from .terms import TERMS


def _same(term: str, form: str = "{}") -> tuple[str, dict[str, str]]:
    return term, {value: form.format(value) for value in TERMS[term]}


#: Slots of the patterns: the term that each holds and its words for every value.
SLOTS: dict[str, tuple[str, dict[str, str]]] = {
    **{term: _same(term) for term in ("shape", "orientation", "margin", "echo", "quadrant", "tissue")},
    "a_shape": ("shape", {"oval": "an oval", "round": "a round", "irregular": "an irregular"}),
    "Echo": ("echo", {value: value.capitalize() for value in TERMS["echo"]}),
    "posterior": (
        "posterior",
        {
            "no features": "no posterior features",
            "enhancement": "posterior enhancement",
            "shadowing": "posterior shadowing",
            "combined pattern": "a combined posterior pattern",
            "not assessed": "posterior features not assessed",
        },
    ),
    "size": ("size", {"small": "small", "medium": "medium-sized", "large": "large"}),
    "depth": _same("depth"),
    "at_depth": ("depth", {"superficial": "superficially", "middle": "at middle depth", "deep": "deep"}),
    "more": ("lesions", {"one": "", "several": " It is the largest of several lesions."}),
    "count": ("lesions", {"none": "no focal lesion", "one": "one focal lesion", "several": "several focal lesions"}),
}

#: Phrasings of an image with a lesion: each states every term.
LESION_PHRASINGS: tuple[str, ...] = (
    "A {size}, {shape}, {orientation} lesion with {margin} margin, {echo} echo pattern and {posterior}, "
    "located {at_depth} in the {quadrant} quadrant of the image, in tissue of {tissue} echotexture.{more}",
    "Lesion of {shape} shape, {orientation} orientation, {margin} margin, {echo} echo pattern, {posterior}; "
    "size {size}, depth {depth}, {quadrant} quadrant of the image; {tissue} background echotexture.{more}",
    "In the {quadrant} quadrant of the image there is {a_shape} lesion, {size}, lying {at_depth}. "
    "Its margin is {margin}, its orientation {orientation}, its echo pattern {echo}, with {posterior}. "
    "The background is {tissue}.{more}",
    "{Echo} {shape} lesion, {orientation} to the skin, {size}, {margin} at its margin, with {posterior}, "
    "{at_depth} in the {quadrant} quadrant of the image. Background echotexture is {tissue}.{more}",
    "The image shows {a_shape} lesion, {orientation} to the skin line. The margin is {margin} and the echoes are "
    "{echo}. Behind it: {posterior}. It is {size} and lies {at_depth}, {quadrant}, in {tissue} tissue.{more}",
    "Shape: {shape}. Orientation: {orientation}. Margin: {margin}. Echo pattern: {echo}. Posterior: {posterior}. "
    "Size: {size}. Depth: {depth}. Quadrant: {quadrant}. Background: {tissue}.{more}",
    "Against a {tissue} background, {a_shape} lesion is seen {at_depth} in the {quadrant} quadrant: {size}, "
    "{orientation}, {echo}, with {margin} margin and {posterior}.{more}",
    "A lesion with {margin} margin and {shape} shape lies {at_depth} in the {quadrant} part of the image; it is "
    "{size}, {orientation} to the skin and {echo}, and has {posterior}. The surrounding tissue is {tissue}.{more}",
)

#: Phrasings of an image without one.
NO_LESION_PHRASINGS: tuple[str, ...] = (
    "No focal lesion in the image; tissue of {tissue} echotexture.",
    "The image shows {tissue} background echotexture without a focal lesion.",
    "There is no focal lesion. The background is {tissue}.",
    "Tissue: {tissue}. Focal lesion: none.",
)

#: One term alone, for telling two values of it apart.
TERM_PHRASINGS: dict[str, str] = {
    "lesions": "{count} in the image",
    "shape": "a lesion of {shape} shape",
    "orientation": "a lesion of {orientation} orientation",
    "margin": "a lesion with {margin} margin",
    "echo": "a lesion with {echo} echo pattern",
    "posterior": "a lesion with {posterior}",
    "size": "a {size} lesion",
    "depth": "a lesion lying {at_depth}",
    "quadrant": "a lesion in the {quadrant} quadrant of the image",
    "tissue": "tissue of {tissue} echotexture",
}
