"""The prediction as a DICOM Structured Report, TID 1500 Measurement Report (PS3.16).

``make_report(header, prediction, algorithm, segmentation=None, ibsi_codes={}, instance_number=1) -> pydicom.Dataset``
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from . import dicom_codes as words
from .dicom_files import silent_libraries
from .dicom_source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9702


def make_report(
    header: Dataset,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    segmentation: Dataset | None = None,
    ibsi_codes: Mapping[str, str] = MappingProxyType({}),
    instance_number: int = 1,
) -> Dataset:
    """A preliminary, unverified Comprehensive SR of one frame.

    With a segmentation it is a planar region of interest (TID 1410) with the predicted class, the probability of cancer,
    sizes and radiomics; without one it says that the algorithm found no lesion (TID 1501).

    Args:
        header: the source's dataset, without pixels; not changed.
        prediction: a row of predictions.csv (an empty cell is "" or None), and ``radiomics`` {name: value}.
        algorithm: what made the prediction.
        segmentation: what :func:`dicom_seg.make_segmentation` made of the same prediction; None if nothing was found.
        ibsi_codes: radiomics name -> IBSI code, see :func:`dicom_codes.feature_code`.
        instance_number: number within the series, from 1.

    Returns:
        A ComprehensiveSR, ready for :func:`dicom_files.write_atomically`.

    Raises:
        DicomResultError: NO_STUDY_UID, NO_INSTANCE_UID, or DICOM_RESULT_FAILED.
    """
    with silent_libraries():
        source = SourceFrame.of(header, prediction)
        group = (
            _no_lesion(source, algorithm)
            if segmentation is None
            else _lesion(source, prediction, algorithm, segmentation, ibsi_codes)
        )
        report = sr.ComprehensiveSR(
            evidence=[source.header] if segmentation is None else [source.header, segmentation],
            content=sr.MeasurementReport(
                observation_context=_observer(source, algorithm),
                procedure_reported=words.ULTRASOUND_OF_BREAST,
                imaging_measurements=[group],
                referenced_images=[source.header],
            ),
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
        source.correct_references(report)
        _leave_one_segment_reference(report)
        return report


def _lesion(
    source: SourceFrame,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    segmentation: Dataset,
    ibsi_codes: Mapping[str, str],
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    """TID 1410: the segment, what it is predicted to be, and its numbers."""
    diagnosis = words.DIAGNOSIS.get(prediction.get("diagnosis"))
    evaluations = [
        (words.LESION_PRESENCE, words.PRESENT),
        *([(words.PREDICTED_CLASS, diagnosis)] if diagnosis else []),
        *([(words.CONCLUSIVENESS, words.INDETERMINATE)] if prediction.get("indeterminate") in (True, "true") else []),
    ]
    features = prediction.get("radiomics") or {}
    measurements = [
        *_summary(prediction),
        *((words.feature_code(name, ibsi_codes), value, words.NO_UNITS) for name, value in features.items()),
    ]
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=sr.ReferencedSegmentationFrame(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            frame_number=1,
            segment_number=1,
            source_image=sr.SourceImageForSegmentation(
                source.header.SOPClassUID, source.header.SOPInstanceUID, source.frames
            ),
        ),
        finding_type=words.MASS,
        measurements=[sr.Measurement(name, value, unit) for name, value, unit in measurements if math.isfinite(value)],
        qualitative_evaluations=[sr.QualitativeEvaluation(name, value) for name, value in evaluations],
        **_context(source, algorithm),
    )


def _no_lesion(source: SourceFrame, algorithm: AlgorithmIdentity) -> sr.MeasurementsAndQualitativeEvaluations:
    """TID 1501: the frame was analysed, and no lesion was found."""
    image = sr.SourceImageForMeasurementGroup(source.header.SOPClassUID, source.header.SOPInstanceUID, source.frames)
    return sr.MeasurementsAndQualitativeEvaluations(
        source_images=[image],
        qualitative_evaluations=[sr.QualitativeEvaluation(words.LESION_PRESENCE, words.ABSENT)],
        **_context(source, algorithm),
    )


def _context(source: SourceFrame, algorithm: AlgorithmIdentity) -> dict[str, Any]:
    """What both kinds of measurement group share: tracking, site and algorithm."""
    return {
        "tracking_identifier": sr.TrackingIdentifier(source.uid("tracking", algorithm), source.tracking_id),
        "finding_sites": [sr.FindingSite(words.BREAST, words.LATERALITY.get(source.laterality))],
        "algorithm_id": sr.AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            parameters=[f"{name}={value}" for name, value in algorithm.parameters.items()],
            family=words.ARTIFICIAL_INTELLIGENCE,
        ),
    }


def _observer(source: SourceFrame, algorithm: AlgorithmIdentity) -> sr.ObservationContext:
    """The observer is a device (TID 1004): the algorithm with these weights."""
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=algorithm.uid,
        name=algorithm.name,
        manufacturer_name=algorithm.name,
        model_name=algorithm.version,
        serial_number=algorithm.weights_sha256,
    )
    return sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))


def _summary(prediction: Mapping[str, Any]) -> list[tuple[Code, float, Code]]:
    """Probability, reliability and size; millimetres only where the row has them, that is, where spacing is known."""
    known = {key: float(value) for key, value in prediction.items() if key in _NUMBERS and value not in (None, "")}
    if "area_mm2" in known:
        known.pop("area_px", None)
    return [(name, known[key] * scale, unit) for key, (name, scale, unit) in _NUMBERS.items() if key in known]


#: Column of predictions.csv -> concept, factor, unit.
_NUMBERS = {
    "malignancy_probability": (words.PROBABILITY_OF_CANCER, 100.0, words.PERCENT),
    "reliability": (words.RELIABILITY, 1.0, words.NO_UNITS),
    "area_px": (words.AREA, 1.0, words.PIXELS),
    "area_mm2": (words.AREA, 1.0, words.MM2),
    "long_axis_mm": (words.LONG_AXIS, 1.0, words.MM),
    "short_axis_mm": (words.SHORT_AXIS, 1.0, words.MM),
}


def _leave_one_segment_reference(dataset: Dataset) -> None:
    """A reference names a frame or a segment (PS3.3 table 10-3), where highdicom writes both: keep the frame."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            if "ReferencedFrameNumber" in item and "ReferencedSegmentNumber" in item:
                del item.ReferencedSegmentNumber
            _leave_one_segment_reference(item)
