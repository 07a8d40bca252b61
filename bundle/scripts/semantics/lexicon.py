"""The words: terms of the BI-RADS ultrasound lexicon, and the words that no description may hold.

Terms: ACR BI-RADS Atlas, 5th edition (2013), ultrasound: shape, orientation, margin, echo pattern, posterior features,
tissue composition. Size, depth and quadrant are those of the image, not of the breast: a single frame shows no more.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from scripts.errors import BundleError

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

#: Stems of the words of diagnosis; a description holds none of them, in any case or ending.
FORBIDDEN_STEMS = (
    "benign malign cancer carcino tumor tumour neoplas sarcoma lymphom adenom fibroadenom papillom lipom hamartom "
    "phyllod metasta invasi ductal lobular situ dcis premalig precancer suspicio suspect worrisome concerning probabl "
    "likely birads bi-rads category diagnos patholog histolog biops normal abnormal healthy disease finding risk "
    "cyst fibrocyst mastitis necrosis abscess galactocele hyperplas oncolog leukem leukaem chemotherap radiotherap"
).split()

# "cystic" stays allowed: a term of the lexicon, "complex cystic and solid", where "cyst" is a diagnosis.
_FORBIDDEN = re.compile(rf"(?<![a-z])(?!cystic\b)({'|'.join(FORBIDDEN_STEMS)})", re.IGNORECASE)


@dataclass(frozen=True)
class Morphology:
    """A lesion in the words of the lexicon: the structured form of a description.

    Every field holds a value of `TERMS`, or "" where nothing is said of it.
    """

    lesions: str = ""
    shape: str = ""
    orientation: str = ""
    margin: str = ""
    echo: str = ""
    posterior: str = ""
    size: str = ""
    depth: str = ""
    quadrant: str = ""
    tissue: str = ""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value and value not in TERMS[name]:
                raise BundleError(f'"{value}" is no {name} of the lexicon; choose one of: {", ".join(TERMS[name])}.')
        if self.lesions == "none" and any(getattr(self, name) for name in LESION_TERMS):
            raise BundleError("A description without a lesion names a lesion term; leave those empty.")

    def as_dict(self) -> dict[str, str]:
        """The terms as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, terms: dict[str, Any]) -> Morphology:
        """Read what `as_dict` wrote; raises BundleError on an unknown field or value."""
        unknown = set(terms) - {field.name for field in fields(cls)}
        if unknown:
            raise BundleError(f"Unknown description field {sorted(unknown)[0]!r}; known are: {', '.join(TERMS)}.")
        return cls(**terms)


def find_forbidden(text: str) -> list[str]:
    """The stems of diagnosis words that begin a word of a text; empty for every description.

    Args:
        text: any sentence.
    """
    return [stem.lower() for stem in _FORBIDDEN.findall(text)]
