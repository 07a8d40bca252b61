"""What a file is, from its first bytes: suffixes lie, and DICOM files often have none."""

from __future__ import annotations

import os
import stat

from .reasons import ReadingProblem

DICOM, PICTURE, NIFTI = "dicom", "picture", "nifti"

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GZIP = b"\x1f\x8b"
_NIFTI_HEADER_SIZES = (348, 540)  # NIfTI-1 and NIfTI-2, in either byte order
_DICOM_PREFIX_AT = 128
#: A DICOM file without its preamble begins with group 0002 or 0008; big endian ones with 0008 only.
_BARE_DICOM = (b"\x02\x00", b"\x08\x00", b"\x00\x08")

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
_NIFTI_SUFFIXES = (".nii", ".nii.gz")


def file_kind(path: str) -> str:
    """Tell DICOM, picture (PNG or JPEG) and NIfTI apart.

    Args:
        path: any file.

    Returns:
        ``DICOM``, ``PICTURE`` or ``NIFTI``. A bare DICOM data set (no preamble) counts as DICOM if it begins like one;
        whether it is one shows when its header is read.

    Raises:
        ReadingProblem: EMPTY_FILE, UNREADABLE or NOT_DICOM. A file whose suffix promises an image that its bytes
            do not hold has failed; any other stranger is skipped.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ReadingProblem("NOT_DICOM", "not a regular file")
        if status.st_size == 0:
            raise ReadingProblem("EMPTY_FILE")
        with open(path, "rb") as file:
            head = file.read(_DICOM_PREFIX_AT + 4)
    except OSError:
        raise ReadingProblem("UNREADABLE", "the file cannot be opened") from None
    return _kind(head, path.lower())


def _kind(head: bytes, name: str) -> str:
    if head[_DICOM_PREFIX_AT:] == b"DICM":
        return DICOM
    if head.startswith((_PNG, _JPEG)):
        return PICTURE
    if name.endswith(_NIFTI_SUFFIXES):
        sizes = (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
        if head.startswith(_GZIP) or any(size in _NIFTI_HEADER_SIZES for size in sizes):
            return NIFTI
        raise ReadingProblem("PIXEL_DECODE_FAILED", "not a NIfTI file")
    if name.endswith(_PICTURE_SUFFIXES):
        raise ReadingProblem("PIXEL_DECODE_FAILED", "not a PNG or JPEG file")
    if head.startswith(_BARE_DICOM):
        return DICOM
    raise ReadingProblem("NOT_DICOM", status="failed" if name.endswith(_DICOM_SUFFIXES) else "skipped")
