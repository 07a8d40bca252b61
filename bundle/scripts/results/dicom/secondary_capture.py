"""An overlay as a DICOM Secondary Capture (PS3.3 A.8.1), for viewers that show neither SEG nor SR."""

from __future__ import annotations

import numpy as np
from highdicom.sc import SCImage
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from .files import guarded
from .source import AlgorithmIdentity, SourceFrame

SERIES_NUMBER = 9703


@guarded()
def make_secondary_capture(
    source: SourceFrame, picture: np.ndarray, algorithm: AlgorithmIdentity, cropped: bool, instance_number: int = 1
) -> Dataset:
    """An RGB picture of one frame, filed beside it.

    Args:
        source: the frame.
        picture: the overlay, uint8 RGB, shape (height, width, 3), at any size.
        algorithm: what made the overlay.
        cropped: True if the picture shows nothing outside the B-mode region. Devices write the patient's name around
            it, whatever the source's BurnedInAnnotation says: a picture that is not cropped is marked as holding it.
        instance_number: number within the series, from 1.

    Returns:
        An SCImage, ready for :func:`scripts.results.dicom.files.write_dicom`.

    Raises:
        DicomResultError: DICOM_RESULT_FAILED.
    """
    capture = SCImage.from_ref_dataset(
        ref_dataset=source.header,
        pixel_array=np.ascontiguousarray(picture),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=source.series_uid("SC", algorithm),
        series_number=SERIES_NUMBER,
        sop_instance_uid=source.uid("SC", algorithm),
        instance_number=instance_number,
        patient_orientation=("L", "F"),  # highdicom wants one; emptied below, a hand-held probe has none
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=f"{algorithm.name} overlay: research use only, not for diagnosis",
        **algorithm.equipment,
    )
    capture.PatientOrientation = ""
    capture.Laterality = source.laterality
    burned_in = source.header.get("BurnedInAnnotation") if cropped else "YES"
    if burned_in:
        capture.BurnedInAnnotation = burned_in
    image = Dataset()
    image.ReferencedSOPClassUID = source.sop_class
    image.ReferencedSOPInstanceUID = source.header.SOPInstanceUID
    capture.SourceImageSequence = [image]
    return source.finish(capture)
