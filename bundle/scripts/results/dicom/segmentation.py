"""The lesion mask as a DICOM Segmentation (PS3.3 A.51), one object for each analysed frame."""

from __future__ import annotations

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom import Dataset

from scripts.findings.finding import Finding
from scripts.sites import Site

from . import codes as words
from .files import DicomResultError, guarded
from .source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9701


@guarded()
def make_segmentation(
    source: SourceFrame, finding: Finding, algorithm: AlgorithmIdentity, site: Site, instance_number: int = 1
) -> Dataset:
    """One binary segment for each lesion on one frame of the source, largest first.

    highdicom cannot segment a cine without a frame of reference, hence one object for each analysed frame; each is
    built on a single-frame copy of the header, and then refers to the cine and its frame.

    Args:
        source: the frame.
        finding: its lesions are the segments, on the source's native grid.
        algorithm: what made it.
        site: knows the codes.
        instance_number: number within the series, from 1.

    Returns:
        A Segmentation, ready for :func:`scripts.results.dicom.files.write_dicom`.

    Raises:
        DicomResultError: MASK_SIZE, EMPTY_MASK (write a report only), or DICOM_RESULT_FAILED.
    """
    mask, grid = finding.mask, (int(source.header.get("Rows", 0)), int(source.header.get("Columns", 0)))
    if mask.shape != grid:
        raise DicomResultError("MASK_SIZE", f"the mask is {mask.shape}, the image {grid}")
    if not mask.any():
        raise DicomResultError("EMPTY_MASK", "no lesion was found: there is nothing to segment")
    segmentation = Segmentation(
        source_images=[source.header],
        pixel_array=_number_lesions(finding),
        segmentation_type="BINARY",
        segment_descriptions=[
            _describe_segment(source, number, algorithm, site) for number in range(len(finding.lesions))
        ],
        series_instance_uid=source.series_uid("SEG", algorithm),
        series_number=SERIES_NUMBER,
        sop_instance_uid=source.uid("SEG", algorithm),
        instance_number=instance_number,
        content_label="LESION",
        content_description=f"{algorithm.name} lesion mask",
        series_description=f"{algorithm.name} lesions: research use only, not for diagnosis",
        **algorithm.equipment,
    )
    segmentation.PatientOrientation = ""  # type 2C in General Image; unknown for a hand-held probe
    for item in (*segmentation.DimensionOrganizationSequence, *segmentation.DimensionIndexSequence):
        item.DimensionOrganizationUID = source.uid("dimensions", algorithm)  # highdicom's is random
    return source.finish(segmentation)


def _number_lesions(finding: Finding) -> np.ndarray:
    """1 where the first lesion is, 2 where the second is, ..., uint8 or uint16 (rows, columns)."""
    numbers = np.zeros(finding.mask.shape, np.uint8 if len(finding.lesions) < 256 else np.uint16)
    for number, lesion in enumerate(finding.lesions, start=1):
        top, left, bottom, right = lesion.box
        numbers[top:bottom, left:right][lesion.mask] = number
    return numbers


def _describe_segment(
    source: SourceFrame, number: int, algorithm: AlgorithmIdentity, site: Site
) -> SegmentDescription:
    """What the segment is, where, and who made it (PS3.3 C.8.20.4)."""
    tracking_uid, tracking_id = source.tracking(number, algorithm)
    description = SegmentDescription(
        segment_number=number + 1,
        segment_label=f"Lesion {number + 1}" if number else "Lesion",
        segmented_property_category=words.ABNORMAL_STRUCTURE,
        segmented_property_type=words.site_code(site, "finding"),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=algorithm.name,
            family=words.ARTIFICIAL_INTELLIGENCE,
            version=algorithm.version,
            source=algorithm.name,
            parameters=algorithm.parameters,
        ),
        tracking_uid=tracking_uid,
        tracking_id=tracking_id,
        anatomic_regions=[words.site_code(site, "finding_site")],
    )
    if source.laterality:
        side = CodedConcept.from_code(words.LATERALITY[source.laterality])
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [side]
    return description
