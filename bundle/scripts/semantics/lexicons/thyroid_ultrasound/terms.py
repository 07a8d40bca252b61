"""The words of ACR TI-RADS for a thyroid nodule, and the words that no description may hold.

Terms: composition, echogenicity, shape and margin (Tessler et al., J Am Coll Radiol 14:587-595, 2017), as far as one
image shows them: echogenicity is judged against the tissue around the nodule, not against the muscles; spongiform
composition, extension beyond the thyroid and echogenic foci are not measured. Size is that of the image.
"""

from __future__ import annotations

from scripts.semantics.lexicons.diagnosis_words import DIAGNOSIS_STEMS

#: Every field of a description and the values it can take.
TERMS: dict[str, tuple[str, ...]] = {
    "lesions": ("none", "one", "several"),
    "composition": ("cystic", "mixed cystic and solid", "solid"),
    "echogenicity": ("anechoic", "hyperechoic", "isoechoic", "hypoechoic", "very hypoechoic"),
    "shape": ("wider than tall", "taller than wide"),
    "margin": ("smooth", "ill-defined", "lobulated", "irregular"),
    "size": ("small", "medium", "large"),
}

LESION_TERMS = tuple(name for name in TERMS if name != "lesions")

#: The lexicon's own terms: those that a reader weighs.
WEIGHED_TERMS = ("composition", "echogenicity", "shape", "margin")

FORBIDDEN_STEMS = (
    *DIAGNOSIS_STEMS,
    *"papillar follicul medullar anaplast goiter goitre thyroiditis tirads ti-rads cyst".split(),
)

#: A term of the lexicon, where "cyst" is a diagnosis.
ALLOWED_WORDS = ("cystic",)

#: No term has sides.
MIRRORED: dict[str, dict[str, str]] = {}
