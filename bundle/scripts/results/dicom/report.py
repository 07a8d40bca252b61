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

from . import codes as words
from .files import silent_libraries
from .source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9702

#: Column of predictions.csv -> concept, factor, unit.
_COLUMNS = {
    "malignancy_probability": (words.PROBABILITY_OF_CANCER, 100.0, words.PERCENT),
    "reliability": (words.RELIABILITY, 1.0, words.NO_UNITS),
    "area_px": (words.AREA, 1.0, words.PIXELS),
    "area_mm2": (words.AREA, 1.0, words.MM2),
    "long_axis_mm": (words.LONG_AXIS, 1.0, words.MM),
    "short_axis_mm": (words.SHORT_AXIS, 1.0, words.MM),
}


def lesion_found(prediction: Mapping[str, Any]) -> bool:
    """Whether a row says that a lesion was found, as a bool or in the words of predictions.csv."""
    return prediction.get("lesion_found") in (True, "true")


def make_report(
    header: Dataset,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    segmentation: Dataset | None = None,
    ibsi_codes: Mapping[str, str] = MappingProxyType({}),
    instance_number: int = 1,
) -> Dataset:
    """A preliminary, unverified Comprehensive SR of one frame.

    A lesion is told with its segment, predicted class, probability of cancer, sizes and radiomics; where none was found
    the report says so.

    Args:
        header: the source's dataset, without pixels; not changed.
        prediction: a row of predictions.csv (an empty cell is "" or None), and ``radiomics`` {name: value}.
        algorithm: what made the prediction.
        segmentation: what :func:`dicom_seg.make_segmentation` made of the same prediction; None if the mask is empty.
        ibsi_codes: radiomics name -> IBSI code, see :func:`dicom_codes.feature_code`.
        instance_number: number within the series, from 1.

    Returns:
        A ComprehensiveSR, ready for :func:`dicom_files.write_atomically`.

    Raises:
        DicomResultError: NO_STUDY_UID, NO_INSTANCE_UID, or DICOM_RESULT_FAILED.
    """
    with silent_libraries():
        source = SourceFrame.of(header, prediction)
        report = sr.ComprehensiveSR(
            evidence=[source.header] if segmentation is None else [source.header, segmentation],
            content=sr.MeasurementReport(
                observation_context=_observer(algorithm),
                procedure_reported=words.ULTRASOUND_OF_BREAST,
                imaging_measurements=[_group(source, prediction, algorithm, segmentation, ibsi_codes)],
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
        _leave_one_segment_reference(report)
        return source.finish(report)


def _group(
    source: SourceFrame,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    segmentation: Dataset | None,
    ibsi_codes: Mapping[str, str],
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations:
    """The measurement group: of the segment (TID 1410), or of the whole image where there is none (TID 1501)."""
    found = lesion_found(prediction)
    content = {
        "tracking_identifier": sr.TrackingIdentifier(source.uid("tracking", algorithm), source.tracking_id),
        "finding_type": words.MASS if found else None,
        "finding_sites": [sr.FindingSite(words.BREAST, words.LATERALITY.get(source.laterality))],
        "algorithm_id": sr.AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            parameters=[f"{name}={value}" for name, value in algorithm.parameters.items()],
            family=words.ARTIFICIAL_INTELLIGENCE,
        ),
        "qualitative_evaluations": _evaluations(prediction, found),
        "measurements": _measurements(prediction, ibsi_codes) if found else None,
    }
    image = (source.header.SOPClassUID, source.header.SOPInstanceUID, source.frames)
    if segmentation is None:
        return sr.MeasurementsAndQualitativeEvaluations(
            source_images=[sr.SourceImageForMeasurementGroup(*image)], **content
        )
    segment = sr.ReferencedSegmentationFrame(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        frame_number=1,
        segment_number=1,
        source_image=sr.SourceImageForSegmentation(*image),
    )
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)


def _evaluations(prediction: Mapping[str, Any], found: bool) -> list[sr.QualitativeEvaluation]:
    """Whether a lesion was found, and if so what it is predicted to be and whether that is to be trusted."""
    evaluations = [(words.LESION_PRESENCE, words.PRESENT if found else words.ABSENT)]
    if found and prediction.get("diagnosis") in words.DIAGNOSIS:
        evaluations.append((words.PREDICTED_CLASS, words.DIAGNOSIS[prediction["diagnosis"]]))
    if prediction.get("indeterminate") in (True, "true"):
        evaluations.append((words.CONCLUSIVENESS, words.INDETERMINATE))
    return [sr.QualitativeEvaluation(name, value) for name, value in evaluations]


def _measurements(prediction: Mapping[str, Any], ibsi_codes: Mapping[str, str]) -> list[sr.Measurement]:
    """Probability, reliability, size and radiomics; millimetres only where the row has them: where spacing is known."""
    columns = [column for column in _COLUMNS if prediction.get(column) not in (None, "")]
    if "area_mm2" in columns:
        columns.remove("area_px")
    values = [(name, float(prediction[c]) * scale, unit) for c in columns for name, scale, unit in [_COLUMNS[c]]]
    for feature, value in (prediction.get("radiomics") or {}).items():
        values.append((words.feature_code(feature, ibsi_codes), float(value), words.NO_UNITS))
    return [sr.Measurement(name, value, unit) for name, value, unit in values if math.isfinite(value)]


def _observer(algorithm: AlgorithmIdentity) -> sr.ObservationContext:
    """The observer is a device (TID 1004): the algorithm with these weights."""
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=algorithm.uid,
        name=algorithm.name,
        manufacturer_name=algorithm.name,
        model_name=algorithm.version,
        serial_number=algorithm.weights_sha256,
    )
    return sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))


def _leave_one_segment_reference(dataset: Dataset) -> None:
    """A reference names a frame or a segment (PS3.3 table 10-3), where highdicom writes both: keep the frame."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            if "ReferencedFrameNumber" in item and "ReferencedSegmentNumber" in item:
                del item.ReferencedSegmentNumber
            _leave_one_segment_reference(item)
