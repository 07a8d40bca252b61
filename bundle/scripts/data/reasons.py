"""The fixed words for what a patient's file turned out to be: one code per case, and how grave it is."""

from __future__ import annotations

#: What a row's ``reason`` may begin with, and the ``status`` that follows from it.
STATUS_OF_CODE = {
    # the run could not use the file
    "EMPTY_FILE": "failed",
    "UNREADABLE": "failed",
    "TRUNCATED": "failed",
    "NO_PIXEL_DATA": "failed",
    "PIXEL_DECODE_FAILED": "failed",
    "DECODER_MISSING": "failed",
    "DECODER_CRASHED": "failed",
    "TIMEOUT": "failed",
    "UNSUPPORTED_TRANSFER_SYNTAX": "failed",
    "UNSUPPORTED_SOP_CLASS": "failed",
    "UNUSABLE_IMAGE": "failed",
    # nothing to analyse here
    "NOT_DICOM": "skipped",
    "DICOMDIR": "skipped",
    "NOT_AN_IMAGE": "skipped",
    "WRONG_MODALITY": "skipped",
    "GRAY_IMAGE": "skipped",
    "DUPLICATE": "skipped",
    "COMPANION_FILE": "skipped",
    "FILM": "skipped",
    "OUT_OF_DOMAIN": "skipped",
    # analysed, with something to know
    "CINE_LIMIT": "ok",
    "MULTIPLE_REGIONS": "ok",
    "COLOR_FLOW": "ok",
    "SPACING_UNKNOWN": "ok",
    "NO_STUDY_UID": "ok",
    "SCALE_ASSUMED": "ok",
    "FRAME_COUNT": "ok",
    "UID_REUSED": "ok",
    "COLOR_LABEL": "ok",
}


class ReadingProblem(Exception):
    """A file, or one frame of it, that cannot be analysed, and the code that says why.

    Args:
        code: a key of :data:`STATUS_OF_CODE`.
        words: a few fixed words for the user. Never text from the file or from a library's exception,
            because both may carry a patient's identity.
        status: "failed" or "skipped", where it differs from the code's usual one.
    """

    def __init__(self, code: str, words: str = "", status: str = "") -> None:
        self.code = code
        self.status = status or STATUS_OF_CODE[code]
        self.reason = note(code, words)
        super().__init__(self.reason)


def note(code: str, words: str = "") -> str:
    """A row's ``reason``: the code, then optional words.

    Raises:
        KeyError: the code is not a fixed one.
    """
    STATUS_OF_CODE[code]
    return f"{code} {words}" if words else code


def join_notes(*notes: str) -> str:
    """Several notes as one ``reason``; the first one's code leads. Empty notes fall out."""
    return "; ".join(item for item in notes if item)
