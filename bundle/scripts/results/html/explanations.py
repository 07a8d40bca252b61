"""What a reader must know of the numbers and codes on the page, in plain words."""

from __future__ import annotations

from scripts.findings.finding import INDETERMINATE

#: By the code that begins a row's reason, see :mod:`scripts.data.reasons`.
_REASONS = {
    "EMPTY_FILE": "The file is empty.",
    "UNREADABLE": "The file or folder could not be opened.",
    "TRUNCATED": "The file is cut short: copy it again.",
    "NO_PIXEL_DATA": "The file holds no image.",
    "PIXEL_DECODE_FAILED": "The image could not be decoded.",
    "DECODER_MISSING": "The program that decodes this compression is not installed.",
    "DECODER_CRASHED": "The decoder crashed on this image.",
    "TIMEOUT": "Decoding took too long.",
    "UNSUPPORTED_TRANSFER_SYNTAX": "This compression is not supported.",
    "UNSUPPORTED_SOP_CLASS": "This kind of DICOM object is not supported.",
    "UNUSABLE_IMAGE": "The image is too small, too large or without content.",
    "NOT_DICOM": "Neither DICOM nor a picture that can be read.",
    "DICOMDIR": "A directory of DICOM files, not an image.",
    "NOT_AN_IMAGE": "Not an ultrasound image.",
    "WRONG_MODALITY": "Not ultrasound.",
    "GRAY_IMAGE": "A gray image, where those of the site are coloured.",
    "DUPLICATE": "The same image was already analysed.",
    "COMPANION_FILE": "A file of the operating system.",
    "FILM": "A film: export it as DICOM, or its frames as PNG.",
    "OUT_OF_DOMAIN": "The image is unlike those that the network knows.",
    "CINE_LIMIT": "Only the first frames of this cine were analysed.",
    "MULTIPLE_REGIONS": "The image holds several B-mode regions; each is analysed alone.",
    "COLOR_FLOW": "Colour flow lies over the image and may disturb the analysis.",
    "SPACING_UNKNOWN": "The file does not say how large a pixel is: sizes are in pixels.",
    "NO_STUDY_UID": "The file does not name its study.",
    "SCALE_ASSUMED": "The range of brightness was assumed.",
    "FRAME_COUNT": "The file holds another number of frames than it says.",
    "UID_REUSED": "Several images share one identifier.",
    "COLOR_LABEL": "The file labels its colours wrongly; they were read by their content.",
    "RESULT_NOT_WRITTEN": "The results could not be written under this name.",
    "INTERNAL_ERROR": "An unforeseen error: please report it.",
    "NON_FINITE_OUTPUT": "The network gave no number for this image.",
    "DICOM_RESULT_FAILED": "No DICOM results could be made for this file.",
}


def explain(code: str) -> str:
    """A code in words; one that is not known stays as it is."""
    return _REASONS.get(code, code)


def statements(probability: str, positive: str, calibrated: bool) -> dict[str, str]:
    """How to read probability, flag and mask reliability.

    Args:
        probability: its name for people, such as "malignancy probability".
        positive: the class that it is of.
        calibrated: whether the weights were calibrated.
    """
    name = probability[:1].upper() + probability[1:]
    if calibrated:
        told = (
            f"{name}, 0 to 1, is calibrated on images that were held out: of lesions given 0.30, about 30 in 100 "
            f"are expected to be {positive}, where patients are like those of that data."
        )
        doubt = (
            f"{INDETERMINATE.capitalize()}: the {probability} is near the middle, or the outline is uncertain. "
            "Do not use the diagnosis."
        )
    else:
        told = f"{name}, 0 to 1, is not calibrated: it ranks lesions, but is no frequency."
        doubt = f"These weights are not calibrated: nothing is marked {INDETERMINATE}."
    return {
        "probability": told,
        "indeterminate": doubt,
        "reliability": (
            "Mask reliability, 0 to 1, is the expected overlap (IoU) of the outline with a drawn one. It says nothing "
            "about the diagnosis: a good outline may carry a wrong one."
        ),
    }
