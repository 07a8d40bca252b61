"""What a file is, from its first bytes: suffixes lie, and DICOM files often have none."""

from __future__ import annotations

import os
import stat
import zlib

from .reasons import ReadingProblem

DICOM, PICTURE, NIFTI = "dicom", "picture", "nifti"

_HEAD = 512
_DICOM_PREFIX_AT = 128
#: A DICOM file without its preamble begins with group 0002 or 0008; big endian ones with 0008 only.
_BARE_DICOM = (b"\x02\x00", b"\x08\x00", b"\x00\x08")

#: How picture files begin, and Pillow's name of each format.
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
}
_BITMAP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_FILMS = (
    b"\x1a\x45\xdf\xa3",  # Matroska and WebM
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # Windows Media
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV\x01",
)
#: Boxes that MP4 and QuickTime files begin with, and the brands of those that hold a still picture.
_FILM_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
_APPLE_DOUBLE = (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")

_GZIP = b"\x1f\x8b"
_NIFTI_HEADER_SIZES = (348, 540)  # NIfTI-1 and NIfTI-2, in either byte order
_NIFTI_MAGIC = {344: b"n+1\x00", 4: b"n+2\x00"}

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jp2")
_NIFTI_SUFFIXES = (".nii", ".nii.gz")


def file_kind(path: str) -> str:
    """Tell DICOM, picture and NIfTI apart.

    Args:
        path: any file.

    Returns:
        ``DICOM``, ``PICTURE`` (any format of :func:`picture_format`) or ``NIFTI``. A bare DICOM data set (no preamble)
        counts as DICOM if it begins like one; whether it is one shows when its header is read.

    Raises:
        ReadingProblem: EMPTY_FILE, UNREADABLE, FILM, COMPANION_FILE or NOT_DICOM. A file whose suffix promises an image
            that its bytes do not hold has failed; any other stranger is skipped.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ReadingProblem("NOT_DICOM", "not a regular file")
        if status.st_size == 0:
            raise ReadingProblem("EMPTY_FILE")
        head = file_head(path)
    except OSError:
        raise ReadingProblem("UNREADABLE", "the file cannot be opened") from None
    return _kind(head, path.lower())


def file_head(path: str) -> bytes:
    """The bytes that tell what a file is.

    Raises:
        OSError: it cannot be opened.
    """
    with open(path, "rb") as file:
        return file.read(_HEAD)


def picture_format(head: bytes) -> str:
    """Pillow's name of a picture's format (PNG, JPEG, GIF, TIFF, WEBP, BMP, JPEG2000), or "" for anything else."""
    for signature, name in _PICTURES.items():
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    is_bitmap = head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADER_SIZES
    return "BMP" if is_bitmap else ""


def _kind(head: bytes, name: str) -> str:
    if head[_DICOM_PREFIX_AT : _DICOM_PREFIX_AT + 4] == b"DICM":
        return DICOM
    if picture_format(head):
        return PICTURE
    if _is_nifti(head, name):
        return NIFTI
    _refuse_known_strangers(head)
    if name.endswith(_NIFTI_SUFFIXES):
        raise ReadingProblem("PIXEL_DECODE_FAILED", "not a NIfTI file")
    if name.endswith(_PICTURE_SUFFIXES):
        raise ReadingProblem("PIXEL_DECODE_FAILED", "not a picture")
    if head.startswith(_BARE_DICOM):
        return DICOM
    raise ReadingProblem("NOT_DICOM", status="failed" if name.endswith(_DICOM_SUFFIXES) else "skipped")


def _is_nifti(head: bytes, name: str) -> bool:
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, _HEAD)
        except zlib.error:
            return False
    sizes = (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
    if not any(size in _NIFTI_HEADER_SIZES for size in sizes):
        return False
    # Analyze 7.5 has a header of the same size without the mark; only the suffix says that it is meant as NIfTI.
    marked = any(head[place:].startswith(magic) for place, magic in _NIFTI_MAGIC.items())
    return marked or name.endswith(_NIFTI_SUFFIXES)


def _refuse_known_strangers(head: bytes) -> None:
    is_film = head.startswith(_FILMS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[4:8] in _FILM_BOXES
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        raise ReadingProblem("NOT_DICOM", "a HEIC or AVIF picture, save it as PNG")
    if is_film:
        raise ReadingProblem("FILM", "export the cine as DICOM, or its frames as PNG")
    if head.startswith(_APPLE_DOUBLE):
        raise ReadingProblem("COMPANION_FILE")
