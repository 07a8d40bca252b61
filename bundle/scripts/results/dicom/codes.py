"""The coded words of the DICOM results; 99RADVLSM is this bundle's private scheme (PS3.16 has no code for them)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from scripts.sites import Site

PRIVATE_SCHEME = "99RADVLSM"


def private_code(value: str, meaning: str) -> Code:
    """A code of the private scheme."""
    return Code(value, PRIVATE_SCHEME, meaning)


ABNORMAL_STRUCTURE = codes.SCT.MorphologicallyAbnormalStructure  # CID 7150
LATERALITY = {"L": codes.SCT.Left, "R": codes.SCT.Right}  # CID 244
ARTIFICIAL_INTELLIGENCE = codes.DCM.ArtificialIntelligence  # CID 7162

LESION_PRESENCE = private_code("lesion", "Lesion found by the algorithm")
PRESENT, ABSENT = codes.cid241.Present, codes.cid241.Absent
# Assessment categories such as BI-RADS are not emitted: the network predicts what pathology would say, not what a
# radiologist would.
PREDICTED_CLASS = private_code("diagnosis", "Predicted pathology class")
CONCLUSIVENESS = private_code("conclusiveness", "Conclusiveness of the prediction")
INDETERMINATE_RESULT = codes.cid6063.IndeterminateResult
PREDICTED_OUTLINE = private_code("outline", "Measured from the predicted outline")
UNCALIBRATED = private_code("not_calibrated", "Not calibrated")
SPECK_RESULT = private_code("speck", "Speck, not counted in the diagnosis of the image")

RELIABILITY = private_code("reliability", "Predicted IoU of the segmentation")
AREA = codes.SCT.Area
LONG_AXIS = codes.SCT.MajorAxis
SHORT_AXIS = codes.SCT.MinorAxis

PERCENT = codes.UCUM.Percent
PIXELS = Code("{pixels}", "UCUM", "pixels")
MM = codes.UCUM.Millimeter
MM2 = codes.UCUM.SquareMillimeter
NO_UNITS = codes.UCUM.NoUnits


def site_code(site: Site, concept: str) -> Code:
    """The site's code of a concept, or a private one that says the concept itself where the site knows none.

    Args:
        site: see :class:`scripts.sites.Site`.
        concept: ``procedure``, ``finding_site``, ``finding``, ``probability`` or a class.
    """
    known = site.codes.get(concept)
    return Code(*known) if known else private_code(_short(concept), concept.replace("_", " ").capitalize())


def term_codes(site: Site, term: str, value: str) -> tuple[Code, Code]:
    """The codes of a lexicon's term and of its value, private ones where the site knows none.

    Args:
        site: has codes by "term" and by "term: value".
        term: such as "margin".
        value: such as "spiculated".
    """
    name, full = site.codes.get(term), f"{term}: {value}"
    known = site.codes.get(full)
    return (
        Code(*name) if name else private_code(_short(term), term.capitalize()),
        Code(*known) if known else private_code(_short(full), value.capitalize()),
    )


def private_scheme() -> CodingSchemeIdentificationItem:
    """The item that says whose scheme 99RADVLSM is."""
    return CodingSchemeIdentificationItem(
        designator=PRIVATE_SCHEME, name="Rad-VLSM concepts", responsible_organization="Rad-VLSM"
    )


def feature_code(name: str, ibsi_codes: Mapping[str, str]) -> Code:
    """The code of a radiomics feature.

    Args:
        name: the feature's name in the radiomics module, at most 64 characters.
        ibsi_codes: name -> IBSI code (e.g. "ACUI") of the features computed as IBSI defines them. PS3.16 lists only
            some of IBSI's codes; the meaning of the others is the feature's name.

    Returns:
        A code of the scheme IBSI, or else of 99RADVLSM with the name, or its digest where that is too long, as value.
    """
    meaning = name.replace("_", " ").capitalize()
    if name not in ibsi_codes:
        return private_code(_short(name), meaning)
    value = ibsi_codes[name]
    return Code(value, "IBSI", _IBSI_MEANINGS.get(value, meaning))


def _short(name: str) -> str:
    """A code's value; a longer one becomes a Long Code Value, with which highdicom cannot read a reference back."""
    return name if len(name) <= 16 else hashlib.sha256(name.encode()).hexdigest()[:16]


_IBSI_MEANINGS = {(code := getattr(codes.IBSI, keyword)).value: code.meaning for keyword in codes.IBSI.dir()}
