"""What every DICOM result takes from its source: a repaired header, a reference to the frame, deterministic UIDs."""

from __future__ import annotations

import contextlib
import copy
import re
import uuid
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from pydicom import Dataset
from pydicom.charset import python_encoding
from pydicom.uid import UID, UltrasoundImageStorage

from .files import DicomResultError, guarded

#: Patient, General Study, Patient Study and Clinical Trial modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.1.3, C.7.2.3).
PATIENT_AND_STUDY = (
    "PatientName PatientID IssuerOfPatientID TypeOfPatientID PatientBirthDate PatientBirthTime PatientSex EthnicGroup "
    "PatientComments PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence "
    "StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence StudyID StudyDescription "
    "ReferringPhysicianName PatientAge PatientSize PatientWeight AdmissionID IssuerOfAdmissionIDSequence "
    "ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID "
    "ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialTimePointID "
    "ClinicalTrialTimePointDescription ClinicalTrialProtocolEthicsCommitteeName "
)
#: What the results need to know of the image itself.
IMAGE = (
    "SOPInstanceUID SeriesInstanceUID Modality Manufacturer ManufacturerModelName Rows Columns "
    "LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod Laterality ImageLaterality "
    "BurnedInAnnotation"
)
#: Type 2 attributes: present in every result, empty where the source has none.
TYPE_2 = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber StudyID "
    "ReferringPhysicianName"
)


@dataclass(frozen=True)
class AlgorithmIdentity:
    """Which algorithm made a result: told in every object, and part of its UIDs.

    Args:
        version: version of the bundle.
        weights_sha256: hexadecimal SHA-256 of the weights.
        configuration: digest of the configuration.
        name: name of the algorithm, at most 64 characters.
    """

    version: str
    weights_sha256: str
    configuration: str
    name: str = "Rad-VLSM"

    @property
    def uid(self) -> UID:
        """UID of this algorithm as a device."""
        return _uid("device", self)

    @property
    def parameters(self) -> dict[str, str]:
        """What tells two runs of the same version apart."""
        return {"weights_sha256": self.weights_sha256, "configuration": self.configuration}

    @property
    def equipment(self) -> dict[str, str]:
        """The Enhanced General Equipment module (PS3.3 C.7.5.2); the digest of the weights is the serial number."""
        return {
            "manufacturer": self.name,
            "manufacturer_model_name": self.name,
            "software_versions": self.version,
            "device_serial_number": self.weights_sha256[:64],
        }


@dataclass(frozen=True)
class SourceFrame:
    """The frame and region of a source image that one prediction is about.

    Args:
        header: repaired copy of the source's header, posing as a single-frame ultrasound image.
        sop_class: the source's real SOP class.
        frames: the 1-based frame that a reference must name; None for a single-frame image.
        key: frame and region, as part of UIDs.
        content: what tells the image from others with the same SOP Instance UID, as part of UIDs; "" where it has none.
        laterality: L, R or "" (unknown).
        character_set: the Specific Character Set that results are written in; None for ASCII.
    """

    header: Dataset
    sop_class: UID
    frames: list[int] | None
    key: str
    content: str
    laterality: str
    character_set: str | list[str] | None

    @classmethod
    @guarded()
    def of(cls, header: Dataset, frame: int = 0, region: int = -1, content: str = "") -> SourceFrame:
        """Take what a result needs from the source's header.

        Args:
            header: the source's dataset, without pixels; not changed.
            frame: 0-based.
            region: 0-based B-mode region; -1 for the whole frame.
            content: what tells the image from others with the same SOP Instance UID.

        Raises:
            DicomResultError: NO_STUDY_UID or NO_INSTANCE_UID where the source cannot be referred to.
        """
        repaired = repair_header(header)
        sop_class = UID(str(header.SOPClassUID))
        return cls(
            header=repaired,
            sop_class=sop_class,
            # The class decides, not NumberOfFrames: naming a frame of a "single-frame" image is an error (PS3.3 10.3).
            frames=[frame + 1] if "Multi-frame" in sop_class.name else None,
            key=f"{frame}|{'' if region < 0 else region}",
            content=content,
            laterality=next((v for k in ("ImageLaterality", "Laterality") if (v := repaired.get(k)) in ("L", "R")), ""),
            character_set=_character_set(header, repaired),
        )

    def uid(self, kind: str, algorithm: AlgorithmIdentity) -> UID:
        """UID of one result, the same on every run over this frame with the same weights and configuration."""
        parts = (self.header.SOPInstanceUID, self.key, *filter(None, (self.content,)))
        return _uid(kind, *parts, algorithm)

    @property
    def tracking_id(self) -> str:
        """Name of what was analysed, shared by segment and report; tells the frame even where no reference may."""
        frame, region = self.key.split("|")
        return f"Frame {int(frame) + 1}" + (f", region {int(region) + 1}" if region else "")

    def tracking(self, number: int, algorithm: AlgorithmIdentity) -> tuple[UID, str]:
        """Tracking UID and name of a lesion, 0-based; those of the first are also those of an image without one."""
        if not number:
            return self.uid("tracking", algorithm), self.tracking_id
        return self.uid(f"tracking {number}", algorithm), f"{self.tracking_id}, lesion {number + 1}"

    def series_uid(self, kind: str, algorithm: AlgorithmIdentity) -> UID:
        """UID of the series that holds the study's results of one kind."""
        return _uid("series", kind, self.header.StudyInstanceUID, algorithm)

    def finish(self, result: Dataset) -> Dataset:
        """Declare the character set, and give every reference to the source its real class and frame; in place."""
        if self.character_set is not None:
            result.SpecificCharacterSet = self.character_set
        self._correct_references(result)
        return result

    def _correct_references(self, result: Dataset) -> None:
        for element in result:
            if element.VR != "SQ":
                continue
            if element.keyword == "SourceImageSequence":  # highdicom shares its items with sequences without frames
                element.value = copy.deepcopy(element.value)
            for item in element.value:
                self._correct_references(item)
                if item.get("ReferencedSOPInstanceUID") == self.header.SOPInstanceUID:
                    item.ReferencedSOPClassUID = self.sop_class
                    if self.frames and element.keyword == "SourceImageSequence":
                        item.ReferencedFrameNumber = self.frames


def repair_header(header: Dataset) -> Dataset:
    """A copy with the patient, the study and the image's identity, fit for highdicom.

    Patient and study are carried verbatim, so that an archive files the result where the source is; dates and times
    are normalised or emptied, missing type 2 attributes are empty. Pixel spacing, planes and the frame of reference are
    left out, and the class is always single-frame ultrasound: highdicom refuses multi-frame images without a frame of
    reference, and cannot read back a spacing without a slice thickness, which ultrasound does not have.

    Raises:
        DicomResultError: NO_STUDY_UID or NO_INSTANCE_UID.
    """
    repaired = Dataset()
    for keyword in (PATIENT_AND_STUDY + IMAGE).split():
        with contextlib.suppress(Exception):  # a value that cannot be decoded counts as missing
            if header.get(keyword) not in (None, ""):
                setattr(repaired, keyword, copy.deepcopy(header[keyword].value))
    if not repaired.get("StudyInstanceUID"):
        raise DicomResultError("NO_STUDY_UID", "the source names no study to file a result under")
    if not all(repaired.get(k) for k in ("SOPInstanceUID", "SeriesInstanceUID")) or not header.get("SOPClassUID"):
        raise DicomResultError("NO_INSTANCE_UID", "the source has no identity to refer to")

    for keyword in ("StudyDate", "PatientBirthDate"):
        setattr(repaired, keyword, _normal_date(repaired.get(keyword)))
    for keyword in ("StudyTime", "PatientBirthTime"):
        if keyword in repaired:
            setattr(repaired, keyword, _normal_time(repaired[keyword].value))
    for keyword in TYPE_2.split():
        if keyword not in repaired:
            setattr(repaired, keyword, "")
    if repaired.PatientSex not in ("M", "F", "O"):
        repaired.PatientSex = ""
    for keyword in ("Manufacturer", "ManufacturerModelName"):
        if len(str(repaired.get(keyword, ""))) > 64:  # LO; only these two are checked by highdicom
            delattr(repaired, keyword)
    repaired.Modality = repaired.get("Modality") or "US"
    repaired.SOPClassUID = UltrasoundImageStorage
    return repaired


def _character_set(header: Dataset, repaired: Dataset) -> str | list[str] | None:
    """The source's own, which an archive is known to read; UTF-8 where it is unknown, or none is declared.

    The repaired header's text is decoded already, so that either can hold it; highdicom never sees the character set,
    because it refuses some that are legal, such as an empty first value.
    """
    declared = header.get("SpecificCharacterSet")
    if declared is None:
        return None if all(str(element.value).isascii() for element in repaired) else "ISO_IR 192"
    terms = [declared] if isinstance(declared, str) else list(declared)
    return declared if all(term in python_encoding for term in terms) else "ISO_IR 192"


def _normal_date(value: Any) -> str:
    """DA as YYYYMMDD; ACR-NEMA's YYYY.MM.DD is understood, anything else is empty."""
    match = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", str(value or "").strip())
    with contextlib.suppress(ValueError, AttributeError):
        return date(*(int(part) for part in match.groups())).strftime("%Y%m%d")
    return ""


def _normal_time(value: Any) -> str:
    """TM as HHMMSS[.F]; HH:MM:SS is understood, anything else is empty."""
    match = re.fullmatch(r"(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?", str(value or "").strip())
    with contextlib.suppress(ValueError, AttributeError):
        hours, minutes, seconds, fraction = (part or "" for part in match.groups())
        time(int(hours), int(minutes or 0), int(seconds or 0))
        return f"{hours}{minutes or '00'}{seconds or '00'}{fraction}"
    return ""


def _uid(*parts: object) -> UID:
    """A UUID-derived UID (PS3.5 B.2) from the parts."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '|'.join(map(str, parts))).int}")
