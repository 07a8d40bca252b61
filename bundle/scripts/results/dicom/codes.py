"""The coded words of the DICOM results; 99RADVLSM is this bundle's private scheme (PS3.16 has no code for them)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

PRIVATE_SCHEME = "99RADVLSM"


def private_code(value: str, meaning: str) -> Code:
    """A code of the private scheme."""
    return Code(value, PRIVATE_SCHEME, meaning)


ABNORMAL_STRUCTURE = codes.SCT.MorphologicallyAbnormalStructure  # CID 7150
MASS = codes.SCT.Mass  # CID 7151
BREAST = codes.SCT.Breast
LATERALITY = {"L": codes.SCT.Left, "R": codes.SCT.Right}  # CID 244
ULTRASOUND_OF_BREAST = codes.SCT.UltrasonographyOfBreast
ARTIFICIAL_INTELLIGENCE = codes.DCM.ArtificialIntelligence  # CID 7162

LESION_PRESENCE = private_code("lesion", "Lesion found by the algorithm")
PRESENT, ABSENT = codes.cid241.Present, codes.cid241.Absent
# BI-RADS categories are not emitted: the network predicts what pathology would say, not a radiologist's assessment.
PREDICTED_CLASS = private_code("diagnosis", "Predicted pathology class")
DIAGNOSIS = {"benign": codes.cid6063.Benign, "malignant": codes.cid6063.Malignant}
CONCLUSIVENESS = private_code("conclusiveness", "Conclusiveness of the prediction")
INDETERMINATE = codes.cid6063.IndeterminateResult

PROBABILITY_OF_CANCER = codes.DCM.ProbabilityOfCancer  # CID 6048
RELIABILITY = private_code("reliability", "Predicted IoU of the segmentation")
AREA = codes.SCT.Area
LONG_AXIS = codes.SCT.MajorAxis
SHORT_AXIS = codes.SCT.MinorAxis

PERCENT = codes.UCUM.Percent
PIXELS = Code("{pixels}", "UCUM", "pixels")
MM = codes.UCUM.Millimeter
MM2 = codes.UCUM.SquareMillimeter
NO_UNITS = codes.UCUM.NoUnits


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
        # A longer value becomes a Long Code Value, with which highdicom cannot read a segment reference back.
        return private_code(name if len(name) <= 16 else hashlib.sha256(name.encode()).hexdigest()[:16], meaning)
    value = ibsi_codes[name]
    return Code(value, "IBSI", _IBSI_MEANINGS.get(value, meaning))


_IBSI_MEANINGS = {(code := getattr(codes.IBSI, keyword)).value: code.meaning for keyword in codes.IBSI.dir()}
