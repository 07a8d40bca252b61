"""The words of the BI-RADS ultrasound lexicon, and the words that no description may hold.

Terms: ACR BI-RADS Atlas, 5th edition (2013), ultrasound: shape, orientation, margin, echo pattern, posterior features,
tissue composition. Size, depth and quadrant are those of the image, not of the breast: a single frame shows no more.
"""

from __future__ import annotations

from scripts.semantics.lexicons.diagnosis_words import DIAGNOSIS_STEMS

#: Every field of a description and the values it can take. Of an image without a lesion only `tissue` is said.
TERMS: dict[str, tuple[str, ...]] = {
    "lesions": ("none", "one", "several"),
    "shape": ("oval", "round", "irregular"),
    "orientation": ("parallel", "not parallel"),
    "margin": ("circumscribed", "indistinct", "angular", "microlobulated", "spiculated"),
    "echo": ("anechoic", "hyperechoic", "complex cystic and solid", "hypoechoic", "isoechoic", "heterogeneous"),
    "posterior": ("no features", "enhancement", "shadowing", "combined pattern", "not assessed"),
    "size": ("small", "medium", "large"),
    "depth": ("superficial", "middle", "deep"),
    "quadrant": ("upper left", "upper right", "lower left", "lower right"),
    "tissue": ("homogeneous", "heterogeneous"),
}

#: Fields that say something about a lesion.
LESION_TERMS = tuple(name for name in TERMS if name not in ("lesions", "tissue"))

#: The lexicon's own terms: those that a reader weighs.
WEIGHED_TERMS = ("shape", "orientation", "margin", "echo", "posterior")

#: What a mirror image turns into what.
MIRRORED = {
    "quadrant": {
        "upper left": "upper right",
        "upper right": "upper left",
        "lower left": "lower right",
        "lower right": "lower left",
    }
}

#: Stems of the words of diagnosis; a description holds none of them, in any case or ending.
FORBIDDEN_STEMS = (
    *DIAGNOSIS_STEMS,
    *(
        "fibroadenom papillom lipom hamartom phyllod ductal lobular dcis birads bi-rads cyst fibrocyst mastitis "
        "necrosis abscess galactocele leukem leukaem chemotherap radiotherap"
    ).split(),
)

#: A term of the lexicon, "complex cystic and solid", where "cyst" is a diagnosis.
ALLOWED_WORDS = ("cystic",)
