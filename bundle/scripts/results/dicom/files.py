"""DICOM files in and out without a word of what they hold: patient attributes never reach a log or a message."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset, dcmread


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
def silent_libraries() -> Iterator[None]:
    """Run pydicom and highdicom without their warnings, log lines and messages: these quote patient attributes.

    Raises:
        DicomResultError: DICOM_RESULT_FAILED for any exception of a library, which is named by its type only.
        OSError: as it came; its text holds a path.
    """
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (DicomResultError, OSError):
        raise
    except Exception as error:  # the message of any library may quote the patient
        raise DicomResultError("DICOM_RESULT_FAILED", f"({type(error).__name__})") from None
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def read_header(path: str | os.PathLike[str]) -> Dataset:
    """The dataset of a DICOM file without its pixels, from files without a preamble too."""
    with silent_libraries():
        return dcmread(path, stop_before_pixels=True, force=True)


def write_atomically(result: Dataset, path: str | os.PathLike[str]) -> None:
    """Write a DICOM file that is either whole or not there, even after a crash.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with silent_libraries(), open(partial, "wb") as stream:
            result.save_as(stream, enforce_file_format=True)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
