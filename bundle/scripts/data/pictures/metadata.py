"""PNG and JPEG files without what showing them does not need: no picture is lost for a text or a profile."""

from __future__ import annotations

import zlib

_PNG_SIGNATURE = 8  # bytes
#: Beside the critical chunks: transparency, and the frames of an animation.
_PNG_CHUNKS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
_PNG_EXIF = b"eXIf"

_JPEG_APPLICATION, _JPEG_COMMENT, _JPEG_SCAN = range(0xE0, 0xF0), 0xFE, 0xDA
#: JFIF and Adobe tell the colours, Exif the orientation; each with its shortest length.
_JPEG_SEGMENTS = {0xE0: 16, 0xE1: 8, 0xEE: 14}


def png_without_metadata(data: bytes) -> bytes:
    """A PNG file's bytes with only the chunks that make the picture, and the orientation, which then stands first.

    Whatever follows the last whole chunk is passed on as it is, so that the reader finds that the file is cut.
    """
    kept, exif, position = [data[:_PNG_SIGNATURE]], b"", _PNG_SIGNATURE
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if end > len(data):
            break
        if name == _PNG_EXIF:
            checksum = int.from_bytes(data[end - 4 : end], "big")
            exif = data[position:end] if zlib.crc32(data[position + 4 : end - 4]) == checksum else b""
        elif name[:1].isupper() or name in _PNG_CHUNKS:
            kept.append(data[position:end])
        position = end
    kept.insert(2, exif)  # after the header
    return b"".join(kept) + data[position:]


def jpeg_without_metadata(data: bytes) -> bytes:
    """A JPEG file's bytes up to the first scan with only the segments that say how to decode and turn it, then all."""
    kept, position = [data[:2]], 2
    while data[position : position + 1] == b"\xff" and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _JPEG_SCAN or length < 2:
            break
        end = position + 2 + length
        is_metadata = marker in _JPEG_APPLICATION or marker == _JPEG_COMMENT
        if not is_metadata or length >= _JPEG_SEGMENTS.get(marker, 2**16):
            kept.append(data[position:end])
        position = end
    return b"".join(kept) + data[position:]
