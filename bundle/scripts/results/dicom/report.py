"""The finding as a DICOM Structured Report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from highdicom import sr
from pydicom import Dataset
from pydicom.charset import convert_encodings, default_encoding
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED, SPECK, Finding, Lesion
from scripts.sites import Site

from . import codes as words
from .content import Group, Kind, Measured, Reference
from .content_template import content_template
from .files import guarded
from .source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9702


@guarded()
def make_report(
    source: SourceFrame,
    finding: Finding,
    algorithm: AlgorithmIdentity,
    site: Site,
    segmentation: Dataset | None = None,
    ibsi_codes: Mapping[str, str] = MappingProxyType({}),
    instance_number: int = 1,
) -> Dataset:
    """A preliminary, unverified Comprehensive SR of one frame.

    Each lesion is told with its segment, predicted class, probability, words, sizes and radiomics; where none was found
    the report says so.

    Args:
        source: the frame.
        finding: what was found in it.
        algorithm: what found it.
        site: knows the codes.
        segmentation: what :func:`make_segmentation` made of the same finding; None if the mask is empty.
        ibsi_codes: radiomics name -> IBSI code, see :func:`scripts.results.dicom.codes.feature_code`.
        instance_number: number within the series, from 1.

    Returns:
        A ComprehensiveSR, ready for :func:`scripts.results.dicom.files.write_dicom`.

    Raises:
        DicomResultError: DICOM_RESULT_FAILED.
    """
    image = Reference(source.sop_class, source.header.SOPInstanceUID, source.frames)
    groups = list(groups_of(source, finding, algorithm, site, segmentation, ibsi_codes))
    evidence = [source.header] if segmentation is None else [source.header, segmentation]
    declared = source.character_set or default_encoding
    character_set = declared if isinstance(declared, str) else tuple(declared)
    kind = kind_of(source, finding, algorithm, site)
    template = content_template(kind, bool(image.frames), segmentation is not None, character_set)
    report = sr.ComprehensiveSR(
        evidence=evidence,
        content=_referring(template.title(), evidence),
        series_instance_uid=source.series_uid("SR", algorithm),
        series_number=SERIES_NUMBER,
        sop_instance_uid=source.uid("SR", algorithm),
        instance_number=instance_number,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[words.private_scheme()],
        series_description=f"{algorithm.name} report: research use only, not for diagnosis",
        **algorithm.equipment,
    )
    source.finish(report)
    # Only now: highdicom copies and searches all content several times over.
    report["ContentSequence"] = template.fill(image, groups)
    # And without this pydicom would decode it to encode it again.
    report.set_original_encoding(False, True, convert_encodings(declared) if source.character_set else declared)
    return report


def _referring(title: Dataset, evidence: Sequence[Dataset]) -> Dataset:
    """A root container that refers to the evidence, from which highdicom takes what a report lists."""
    title.ContentSequence = [
        sr.ImageContentItem(
            name=codes.DCM.SourceImageForSegmentation,
            referenced_sop_class_uid=one.SOPClassUID,
            referenced_sop_instance_uid=one.SOPInstanceUID,
            relationship_type=sr.RelationshipTypeValues.CONTAINS,
        )
        for one in evidence
    ]
    return title


def kind_of(source: SourceFrame, finding: Finding, algorithm: AlgorithmIdentity, site: Site) -> Kind:
    """The kind of report that a finding gets."""
    return Kind(
        algorithm=algorithm,
        procedure=words.site_code(site, "procedure"),
        place=words.site_code(site, "finding_site"),
        finding=words.site_code(site, "finding"),
        side=source.laterality,
        rows=int(source.header.Rows),
        columns=int(source.header.Columns),
        found=finding.found,
    )


def groups_of(
    source: SourceFrame,
    finding: Finding,
    algorithm: AlgorithmIdentity,
    site: Site,
    segmentation: Dataset | None,
    ibsi_codes: Mapping[str, str],
) -> Iterator[Group]:
    """What is said of each lesion, or of an image without one."""
    for number, lesion in enumerate(finding.lesions or (None,)):
        segment = None
        if segmentation is not None:
            segment = Reference(segmentation.SOPClassUID, segmentation.SOPInstanceUID, [number + 1])
        yield Group(
            tracking=source.tracking(number, algorithm),
            evaluations=_evaluations(lesion, lesion.flags if lesion else finding.flags, site),
            measurements=[*_measurements(lesion, site), *_radiomics(lesion, ibsi_codes)] if lesion else [],
            segment=segment,
        )


def _evaluations(lesion: Lesion | None, flags: Sequence[str], site: Site) -> list[tuple[Code, Code]]:
    """Whether a lesion was found; what it is predicted to be, whether that is to be trusted, and its words."""
    evaluations = [(words.LESION_PRESENCE, words.PRESENT if lesion else words.ABSENT)]
    if lesion and lesion.diagnosis in site.classes.names:
        evaluations.append((words.PREDICTED_CLASS, words.site_code(site, lesion.diagnosis)))
    if INDETERMINATE in flags:
        evaluations.append((words.CONCLUSIVENESS, words.INDETERMINATE_RESULT))
    if NOT_CALIBRATED in flags:
        evaluations.append((words.CONCLUSIVENESS, words.UNCALIBRATED))
    if SPECK in flags:
        evaluations.append((words.CONCLUSIVENESS, words.SPECK_RESULT))
    if lesion and lesion.words:
        evaluations += [words.term_codes(site, *said) for said in lesion.words.items()]
    return evaluations


def _measurements(lesion: Lesion, site: Site) -> list[Measured]:
    """Probability, mask reliability and size; millimetres only where the spacing is known."""
    size, spaced = lesion.size, lesion.size.area_mm2 is not None
    probability = None if lesion.probability is None else 100.0 * lesion.probability
    values = [
        (words.site_code(site, "probability"), probability, words.PERCENT),
        (words.RELIABILITY, lesion.mask_reliability, words.NO_UNITS),
        (words.AREA, size.area_mm2 if spaced else size.area_px, words.MM2 if spaced else words.PIXELS),
        (words.LONG_AXIS, size.long_axis_mm, words.MM),
        (words.SHORT_AXIS, size.short_axis_mm, words.MM),
    ]
    return [(name, float(value), unit) for name, value, unit in values if value is not None and math.isfinite(value)]


def _radiomics(lesion: Lesion, ibsi_codes: Mapping[str, str]) -> list[Measured]:
    values = ((name, float(value)) for name, value in lesion.radiomics.items())
    return [
        (words.feature_code(name, ibsi_codes), value, words.NO_UNITS) for name, value in values if math.isfinite(value)
    ]
