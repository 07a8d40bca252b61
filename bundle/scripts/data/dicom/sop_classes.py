"""Which DICOM objects hold an ultrasound image, by SOP class and modality."""

from __future__ import annotations

from scripts.data.reasons import ReadingProblem

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_DICOMDIR = "1.2.840.10008.1.3.10"
#: US Image, US Multi-frame Image, and the two that they replaced in 1993.
_ULTRASOUND = {_STORAGE + item for item in ("6.1", "3.1", "6", "3")}
_ULTRASOUND_VOLUMES = {_STORAGE + item for item in ("6.2", "6.3")}
#: Secondary Capture, single frame and the four multi-frame ones: how many systems export ultrasound.
_SECONDARY_CAPTURE = {_STORAGE + item for item in ("7", "7.1", "7.2", "7.3", "7.4")}
#: Waveforms, presentation states, raw data and segmentations, reports, documents, radiotherapy plans, ...
_NOT_IMAGES = ("9.", "11.", "66", "67", "68.", "88.", "104.", "200.", "481.3", "481.4", "481.5", "481.8")
_NOT_IMAGE_MODALITIES = {"SR", "PR", "KO", "SEG", "DOC", "AU", "ECG", "RTSTRUCT", "RTPLAN", "REG", "FID", "PLAN"}


def check_is_ultrasound(sop_class: str, modality: str, any_modality: bool = False) -> None:
    """Let ultrasound images pass, and say of the rest what they are.

    Args:
        sop_class: SOP Class UID, "" if absent.
        modality: Modality, "" if absent.
        any_modality: let single-plane images of other modalities pass too.

    Raises:
        ReadingProblem: DICOMDIR, NOT_AN_IMAGE, UNSUPPORTED_SOP_CLASS or WRONG_MODALITY.
    """
    if sop_class == _DICOMDIR:
        raise ReadingProblem("DICOMDIR")
    kind = sop_class.removeprefix(_STORAGE) if sop_class.startswith(_STORAGE) else ""
    if kind.startswith(_NOT_IMAGES) or modality in _NOT_IMAGE_MODALITIES:
        raise ReadingProblem("NOT_AN_IMAGE")
    if sop_class in _ULTRASOUND_VOLUMES:
        raise ReadingProblem("UNSUPPORTED_SOP_CLASS", "an ultrasound volume")
    if sop_class in _ULTRASOUND or any_modality:
        return
    if modality != "US":
        where = "a secondary capture that is not marked as ultrasound" if sop_class in _SECONDARY_CAPTURE else ""
        raise ReadingProblem("WRONG_MODALITY", where)
