"""The lesion mask as a DICOM Segmentation (PS3.3 A.51), one object for each analysed frame.

``make_segmentation(header, mask, prediction, algorithm, instance_number=1) -> pydicom.Dataset``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom import Dataset

from . import codes as words
from .files import DicomResultError, silent_libraries
from .source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9701


def make_segmentation(
    header: Dataset,
    mask: np.ndarray,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    instance_number: int = 1,
) -> Dataset:
    """One binary segment "Lesion" on one frame of the source.

    highdicom cannot segment a cine without a frame of reference, hence one object for each analysed frame; each is
    built on a single-frame copy of the header, and then refers to the cine and its frame.

    Args:
        header: the source's dataset, without pixels; not changed.
        mask: the lesion on the source's native grid, uint8 or bool, shape (Rows, Columns); anything above 0 is lesion.
        prediction: a row of predictions.csv; ``frame`` (0-based) and ``region`` are used.
        algorithm: what made the mask.
        instance_number: number within the series, from 1.

    Returns:
        A Segmentation, ready for :func:`dicom_files.write_atomically`.

    Raises:
        DicomResultError: NO_STUDY_UID, NO_INSTANCE_UID, MASK_SIZE, EMPTY_MASK (write a report only), or
            DICOM_RESULT_FAILED.
    """
    with silent_libraries():
        source = SourceFrame.of(header, prediction)
        grid = (int(source.header.get("Rows", 0)), int(source.header.get("Columns", 0)))
        if mask.shape != grid:
            raise DicomResultError("MASK_SIZE", f"the mask is {mask.shape}, the image {grid}")
        if not mask.any():
            raise DicomResultError("EMPTY_MASK", "no lesion was found: there is nothing to segment")
        segmentation = Segmentation(
            source_images=[source.header],
            pixel_array=(mask > 0).astype(np.uint8),
            segmentation_type="BINARY",
            segment_descriptions=[_describe_segment(source, algorithm)],
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


def _describe_segment(source: SourceFrame, algorithm: AlgorithmIdentity) -> SegmentDescription:
    """What the segment is, where, and who made it (PS3.3 C.8.20.4)."""
    description = SegmentDescription(
        segment_number=1,
        segment_label="Lesion",
        segmented_property_category=words.ABNORMAL_STRUCTURE,
        segmented_property_type=words.MASS,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=algorithm.name,
            family=words.ARTIFICIAL_INTELLIGENCE,
            version=algorithm.version,
            source=algorithm.name,
            parameters=algorithm.parameters,
        ),
        tracking_uid=source.uid("tracking", algorithm),
        tracking_id=source.tracking_id,
        anatomic_regions=[words.BREAST],
    )
    if source.laterality:
        side = CodedConcept.from_code(words.LATERALITY[source.laterality])
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [side]
    return description
