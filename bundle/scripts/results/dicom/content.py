"""The content of a report, TID 1500 Measurement Report (PS3.16), as highdicom builds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UltrasoundImageStorage

from . import codes as words
from .source import AlgorithmIdentity

#: Name, value and unit.
Measured = tuple[Code, float, Code]


@dataclass(frozen=True)
class Reference:
    """An instance that a report refers to.

    Attributes:
        sop_class: its class.
        instance: its UID.
        frames: 1-based; None for an image of one frame.
    """

    sop_class: str
    instance: str
    frames: Sequence[int] | None = None


@dataclass(frozen=True)
class Group:
    """What differs between measurement groups of one kind of report.

    Attributes:
        tracking: UID and name of what is measured.
        evaluations: coded names and values.
        measurements: coded names, values and units; none without a lesion.
        segment: the segmentation and the frame of it; None where there is none.
    """

    tracking: tuple[str, str]
    evaluations: Sequence[tuple[Code, Code]]
    measurements: Sequence[Measured] = ()
    segment: Reference | None = None


@dataclass(frozen=True)
class Kind:
    """What reports of many images have in common; hashable.

    Attributes:
        algorithm: the observer.
        procedure, place, finding: the site's codes.
        side: L, R or "" (unknown).
        rows, columns: of the image.
        found: there are lesions.
    """

    algorithm: AlgorithmIdentity
    procedure: Code
    place: Code
    finding: Code
    side: str
    rows: int
    columns: int
    found: bool


def build_content(kind: Kind, image: Reference, groups: Sequence[Group]) -> Dataset:
    """The root container of a report, with everything in it.

    Args:
        kind: of report.
        image: what was analysed.
        groups: one for each lesion, or one of the image.
    """
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = UltrasoundImageStorage, image.instance  # the class that highdicom takes
    header.Modality, header.Rows, header.Columns = "US", kind.rows, kind.columns
    root = sr.MeasurementReport(
        observation_context=_observer(kind.algorithm),
        procedure_reported=kind.procedure,
        imaging_measurements=[_build_group(kind, image, group) for group in groups],
        referenced_images=[header],
    )[0]
    _correct_references(root, image)
    return root


def _build_group(
    kind: Kind, image: Reference, group: Group
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations:
    """A measurement group: of a segment (TID 1410), or of the image where there is none (TID 1501)."""
    content = {
        "tracking_identifier": sr.TrackingIdentifier(*group.tracking),
        "finding_type": kind.finding if kind.found else None,
        "finding_sites": [sr.FindingSite(kind.place, words.LATERALITY.get(kind.side))],
        "algorithm_id": sr.AlgorithmIdentification(
            name=kind.algorithm.name,
            version=kind.algorithm.version,
            parameters=[f"{name}={value}" for name, value in kind.algorithm.parameters.items()],
            family=words.ARTIFICIAL_INTELLIGENCE,
        ),
        "method": words.PREDICTED_OUTLINE if kind.found else None,
        "qualitative_evaluations": [sr.QualitativeEvaluation(*said) for said in group.evaluations],
        "measurements": [sr.Measurement(*measured) for measured in group.measurements] or None,
    }
    source = (UltrasoundImageStorage, image.instance, image.frames)
    if group.segment is None:
        return sr.MeasurementsAndQualitativeEvaluations(
            source_images=[sr.SourceImageForMeasurementGroup(*source)], **content
        )
    number = group.segment.frames[0]
    segment = sr.ReferencedSegmentationFrame(
        sop_class_uid=group.segment.sop_class,
        sop_instance_uid=group.segment.instance,
        frame_number=number,
        segment_number=number,
        source_image=sr.SourceImageForSegmentation(*source),
    )
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)


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


def _correct_references(item: Dataset, image: Reference) -> None:
    """Give the image its real class; and name a frame or a segment (PS3.3 table 10-3), where highdicom writes both."""
    for referenced in item.get("ReferencedSOPSequence", ()):
        if referenced.ReferencedSOPInstanceUID == image.instance:
            referenced.ReferencedSOPClassUID = image.sop_class
        elif "ReferencedSegmentNumber" in referenced:
            del referenced.ReferencedSegmentNumber
    for child in item.get("ContentSequence", ()):
        _correct_references(child, image)
