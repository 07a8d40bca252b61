"""DICOM images of one SOP Instance UID: the same image again, or others that share it by mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .header import DicomHeader

_CHUNK = 2**20

#: Where a file's pixel data begins and ends; an end of -1 is that of the file.
PixelPlace = tuple[int, int]


def pixel_place(header: DicomHeader) -> PixelPlace:
    """Where the pixel data lies that tells an image from others with its UID; the whole file where it is deflated."""
    return (header.pixels.start, header.pixels.end) if header.pixels else (0, -1)


def tell_apart(digests: Sequence[str]) -> list[str | None]:
    """Judge the files of one UID, in their order.

    Args:
        digests: of each file's pixel data, see :func:`digest_pixels`.

    Returns:
        For each file None where it is one of those before it again; otherwise its digest where different images have
        the UID, and "" where it is the only image that has it.
    """
    several = len(set(digests)) > 1
    return [
        None if digest in digests[:number] else digest if several else "" for number, digest in enumerate(digests)
    ]


def digest_pixels(path: str, place: PixelPlace) -> str:
    """Hexadecimal digest of a part of a file. What cannot be read is like nothing else."""
    start, end = place
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            file.seek(start)
            left = end - start if end >= 0 else -1
            while chunk := file.read(min(_CHUNK, left) if left >= 0 else _CHUNK):
                digest.update(chunk)
                left -= len(chunk) if left >= 0 else 0
    except OSError:
        digest.update(path.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
