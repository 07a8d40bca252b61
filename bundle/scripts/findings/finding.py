"""What was found in one image: the one type that travels from the network to files, archives and servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

#: Flags, in the words that people read. Without a calibration nothing is known about what is indeterminate; a speck
#: beside a much larger lesion has no say in the image's diagnosis.
INDETERMINATE, NOT_CALIBRATED, SPECK = "indeterminate", "not calibrated", "speck"


@dataclass(frozen=True)
class Size:
    """Outline measurements.

    Attributes:
        area_px: pixels.
        area_mm2: rounded to 0.01; None where the spacing of pixels is not known, as with the axes.
        long_axis_mm: greatest diameter.
        short_axis_mm: extent at right angles to it.
    """

    area_px: int
    area_mm2: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None


@dataclass(frozen=True)
class Lesion:
    """One connected part of the mask.

    Attributes:
        box: top, left, bottom, right of its pixels in the file's grid, bottom and right exclusive.
        mask: boolean, of the size of the box.
        size: its own.
        diagnosis: a class of the site; "" where the site has none.
        probability: of the site's positive class, tempered; None where there are no classes.
        mask_reliability: predicted IoU of the mask, 0..1.
        radiomics: of its mask, by name, those that could be measured.
        sentence: its description, measured from its mask; "" where nothing is said of it.
        caption: a few words of it.
        words: the same by term of the site's lexicon.
        flags: see :data:`INDETERMINATE`, :data:`NOT_CALIBRATED` and :data:`SPECK`.
    """

    box: tuple[int, int, int, int]
    mask: np.ndarray
    size: Size
    diagnosis: str
    probability: float | None
    mask_reliability: float
    radiomics: Mapping[str, float] = field(default_factory=dict)
    sentence: str = ""
    caption: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def indeterminate(self) -> bool:
        """The network does not trust its diagnosis."""
        return INDETERMINATE in self.flags


@dataclass(frozen=True)
class Candidate:
    """A box that language proposed.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the file.
        response: contrast in the response map.
        semantic: cosine of its content with the prompt.
        consistency: predicted agreement of its mask with the consensus.
        weight: share in the fused mask.
    """

    box: Sequence[float]
    response: float
    semantic: float
    consistency: float
    weight: float


@dataclass(frozen=True)
class Descriptor:
    """A measurement of the lesion that moved its diagnosis.

    Attributes:
        name: of the radiomics' column.
        value: raw.
        moves_logit_by: towards the positive class, compared with the training data's mean.
    """

    name: str
    value: float
    moves_logit_by: float


@dataclass(frozen=True)
class Evidence:
    """What was believed of one image, and why; an entry of evidence.json has these keys in this order.

    Attributes:
        response_peak: greatest response, 0..1.
        fallback: the response was flat, and the one box is the whole image.
        lesion_logit: a lesion is found above 0, unless its mask vanishes.
        logits_visual: of the classes, tempered; with those of the radiomics they sum up to the diagnosis.
        logits_radiomics: the radiomics' share, weighed and tempered.
        effective_candidates: 1 / sum of squared weights.
        candidates: best first.
        descriptors: strongest first; none without a lesion.
    """

    response_peak: float
    fallback: bool
    lesion_logit: float
    logits_visual: Sequence[float]
    logits_radiomics: Sequence[float]
    effective_candidates: float
    candidates: Sequence[Candidate] = ()
    descriptors: Sequence[Descriptor] = ()


@dataclass(frozen=True)
class Finding:
    """What was found in one image; picklable, since other processes write its files.

    Attributes:
        mask: uint8 0 or 1, shape (rows, columns) of the file: all lesions together.
        size: of that mask; the axes are those of its largest part.
        lesions: connected parts of the mask, largest first.
        diagnosis: of the most suspicious lesion, a class of the site; or its word for no lesion; "" for a lesion where
            the site has no classes.
        probability: of the site's positive class, tempered, 0..1; None without a lesion or without classes.
        mask_reliability: predicted IoU of the mask, 0..1.
        lesion_evidence: 0..1.
        flags: see :data:`INDETERMINATE` and :data:`NOT_CALIBRATED`.
        radiomics: of that lesion, by name, those that could be measured; empty without a lesion.
        evidence: why.
        response: the response map on the analysed region, uint8 (h, w).
    """

    mask: np.ndarray
    size: Size
    lesions: tuple[Lesion, ...]
    diagnosis: str
    probability: float | None
    mask_reliability: float
    lesion_evidence: float
    flags: tuple[str, ...]
    radiomics: Mapping[str, float]
    evidence: Evidence
    response: np.ndarray

    @property
    def found(self) -> bool:
        """Whether there is a lesion."""
        return bool(self.lesions)

    @property
    def most_suspicious(self) -> Lesion:
        """The lesion that the image's diagnosis is of, no speck; the largest, where no lesion has a probability."""
        heard = [lesion for lesion in self.lesions if SPECK not in lesion.flags]
        return max(heard, key=lambda lesion: -1.0 if lesion.probability is None else lesion.probability)

    @property
    def calibrated(self) -> bool:
        """Whether the network's answers were calibrated."""
        return NOT_CALIBRATED not in self.flags

    @property
    def indeterminate(self) -> bool | None:
        """A lesion whose diagnosis the network does not trust; None where that was never fitted."""
        return INDETERMINATE in self.flags if self.calibrated else None
