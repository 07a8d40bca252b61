"""DICOM files in and out without a word of what they hold: patient attributes never reach a log or a message."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator

from pydicom import Dataset, dcmread

from scripts.quiet import quiet_libraries
from scripts.writing.files import write_whole


class DicomResultError(ValueError):
    """A result that cannot be written, told without any value of the file.

    Args:
        code: NO_STUDY_UID, NO_INSTANCE_UID, MASK_SIZE, EMPTY_MASK or DICOM_RESULT_FAILED.
        words: what went wrong, without names, paths or attribute values.
    """

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code} {words}")
        self.code = code


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Run pydicom and highdicom without their warnings, log lines and messages: these quote patient attributes.

    Raises:
        DicomResultError: DICOM_RESULT_FAILED for any exception of a library, which is named by its type only.
        OSError: as it came; its text holds a path.
    """
    try:
        with quiet_libraries():
            yield
    except (DicomResultError, OSError):
        raise
    except Exception as error:  # the message of any library may quote the patient
        raise DicomResultError("DICOM_RESULT_FAILED", f"({type(error).__name__})") from None


def read_header(path: str | os.PathLike[str]) -> Dataset:
    """The dataset of a DICOM file without its pixels, from files without a preamble too."""
    with guarded():
        return dcmread(path, stop_before_pixels=True, force=True)


def write_dicom(result: Dataset, path: str | os.PathLike[str]) -> None:
    """Write a DICOM file that is either whole or not there, even after a power cut.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    content = io.BytesIO()
    with guarded():
        result.save_as(content, enforce_file_format=True)
    write_whole(path, content.getvalue(), durable=True)
