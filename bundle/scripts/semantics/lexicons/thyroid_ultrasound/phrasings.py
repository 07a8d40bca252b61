"""How the terms are said: slots, and the sentences that they stand in."""

from __future__ import annotations

from .terms import TERMS

#: Slots of the patterns: the term that each holds and its words for every value.
SLOTS: dict[str, tuple[str, dict[str, str]]] = {
    **{
        term: (term, {value: value for value in TERMS[term]})
        for term in ("composition", "echogenicity", "shape", "margin")
    },
    "size": ("size", {"small": "small", "medium": "medium-sized", "large": "large"}),
    "more": ("lesions", {"one": "", "several": " It is the largest of several nodules."}),
    "count": ("lesions", {"none": "no nodule", "one": "one nodule", "several": "several nodules"}),
}

#: Phrasings of an image with a nodule: each states every term.
LESION_PHRASINGS: tuple[str, ...] = (
    "A {size} thyroid nodule, {composition}, {echogenicity}, {shape}, with {margin} margin.{more}",
    "Composition: {composition}. Echogenicity: {echogenicity}. Shape: {shape}. Margin: {margin}. Size: {size}.{more}",
    "The thyroid image shows a nodule of {composition} composition. It is {echogenicity}, {size} and {shape}; its "
    "margin is {margin}.{more}",
    "Nodule with {margin} margin, {shape}, {echogenicity}, {composition}, {size}, in the thyroid.{more}",
    "In the thyroid there is a {size} nodule that is {shape} and {echogenicity}, {composition} in composition, "
    "{margin} at its margin.{more}",
)

#: Phrasings of an image without one.
NO_LESION_PHRASINGS: tuple[str, ...] = (
    "No nodule in the image of the thyroid.",
    "The image shows thyroid tissue without a nodule.",
)

#: One term alone, for telling two values of it apart.
TERM_PHRASINGS: dict[str, str] = {
    "lesions": "{count} in the image",
    "composition": "a thyroid nodule of {composition} composition",
    "echogenicity": "a thyroid nodule of {echogenicity} echogenicity",
    "shape": "a thyroid nodule that is {shape}",
    "margin": "a thyroid nodule with {margin} margin",
    "size": "a {size} thyroid nodule",
}
