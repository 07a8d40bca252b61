"""The finding as a DICOM Structured Report, TID 1500 Measurement Report (PS3.16)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes

from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED, SPECK, Finding, Lesion
from scripts.sites import Site

from . import codes as words
from .files import guarded
from .measurement_items import Measured, add_measurements
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
    report = sr.ComprehensiveSR(
        evidence=[source.header] if segmentation is None else [source.header, segmentation],
        content=sr.MeasurementReport(
            observation_context=_observer(algorithm),
            procedure_reported=words.site_code(site, "procedure"),
            imaging_measurements=[
                _group(source, finding, number, algorithm, site, segmentation)
                for number in range(max(1, len(finding.lesions)))
            ],
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
    source.finish(report)
    if finding.found:
        add_measurements(report, (_radiomics(lesion, ibsi_codes) for lesion in finding.lesions))
    return report


def _group(
    source: SourceFrame,
    finding: Finding,
    number: int,
    algorithm: AlgorithmIdentity,
    site: Site,
    segmentation: Dataset | None,
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations:
    """The measurement group of a lesion: of its segment (TID 1410), or of the image where there is none (TID 1501)."""
    lesion = finding.lesions[number] if finding.found else None
    flags = lesion.flags if lesion else finding.flags
    place, side = words.site_code(site, "finding_site"), words.LATERALITY.get(source.laterality)
    content = {
        "tracking_identifier": sr.TrackingIdentifier(*source.tracking(number, algorithm)),
        "finding_type": words.site_code(site, "finding") if lesion else None,
        "finding_sites": [sr.FindingSite(place, side)],
        "algorithm_id": sr.AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            parameters=[f"{name}={value}" for name, value in algorithm.parameters.items()],
            family=words.ARTIFICIAL_INTELLIGENCE,
        ),
        "method": words.PREDICTED_OUTLINE if lesion else None,
        "qualitative_evaluations": _evaluations(lesion, flags, site),
        "measurements": _measurements(lesion, site) if lesion else None,
    }
    image = (source.header.SOPClassUID, source.header.SOPInstanceUID, source.frames)
    if segmentation is None:
        return sr.MeasurementsAndQualitativeEvaluations(
            source_images=[sr.SourceImageForMeasurementGroup(*image)], **content
        )
    segment = sr.ReferencedSegmentationFrame(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        frame_number=number + 1,
        segment_number=number + 1,
        source_image=sr.SourceImageForSegmentation(*image),
    )
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)


def _evaluations(lesion: Lesion | None, flags: Sequence[str], site: Site) -> list[sr.QualitativeEvaluation]:
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
    return [sr.QualitativeEvaluation(name, value) for name, value in evaluations]


def _measurements(lesion: Lesion, site: Site) -> list[sr.Measurement]:
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
    return [
        sr.Measurement(name, float(value), unit)
        for name, value, unit in values
        if value is not None and math.isfinite(value)
    ]


def _radiomics(lesion: Lesion, ibsi_codes: Mapping[str, str]) -> list[Measured]:
    values = ((name, float(value)) for name, value in lesion.radiomics.items())
    return [
        (words.feature_code(name, ibsi_codes), value, words.NO_UNITS) for name, value in values if math.isfinite(value)
    ]


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
