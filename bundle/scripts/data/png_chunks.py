"""PNG files chunk by chunk: their pixels without their metadata, and the 16 bits of colour that Pillow halves."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

_SIGNATURE_LENGTH = 8
#: Beside the critical chunks: transparency, and the frames of an animation.
_PICTURE_CHUNKS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
_EXIF = b"eXIf"
#: Raw modes of 16 bits, which keep the high byte; and of the same length, which keep the low byte or both.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
_GRAY_AND_ALPHA = "LA;16B"


def without_metadata(data: bytes) -> bytes:
    """A PNG file's bytes with only the chunks that make the picture, and the orientation, which then stands first.

    Texts, profiles and times may be of any size and damaged: no picture should be lost for them. Whatever follows the
    last whole chunk is passed on as it is, so that the reader finds that the file is cut.
    """
    kept, exif, position = [data[:_SIGNATURE_LENGTH]], b"", _SIGNATURE_LENGTH
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        if end > len(data):
            break
        if name == _EXIF:
            checksum = int.from_bytes(data[end - 4 : end], "big")
            exif = data[position:end] if zlib.crc32(data[position + 4 : end - 4]) == checksum else b""
        elif name[:1].isupper() or name in _PICTURE_CHUNKS:
            kept.append(data[position:end])
        position = end
    kept.insert(2, exif)  # after the header
    return b"".join(kept) + data[position:]


def deep_pixels(picture: Image.Image) -> np.ndarray | None:
    """All 16 bits of a colour picture, or of a gray one with alpha.

    Args:
        picture: opened from bytes, not decoded yet.

    Returns:
        uint16, (H, W, C) with C = 3, 4 with alpha, 2 for gray with alpha; None for any other picture.
    """
    mode = picture.tile[0].args if picture.tile else ""
    if mode == _GRAY_AND_ALPHA:
        pairs = _decoded(picture, "RGBA").astype(np.uint16)  # the four bytes of a pixel as they stand
        return pairs[..., ::2] << 8 | pairs[..., 1::2]
    if mode not in _LOW_BYTES:
        return None
    high, low = (_decoded(picture, name).astype(np.uint16) for name in (mode, _LOW_BYTES[mode]))
    return high << 8 | low


def _decoded(picture: Image.Image, raw_mode: str) -> np.ndarray:
    """The pixels as another raw mode unpacks them, from the picture's own bytes."""
    picture.fp.seek(0)
    with Image.open(io.BytesIO(picture.fp.read()), formats=("PNG",)) as again:
        again.tile = [tile._replace(args=raw_mode) for tile in again.tile]
        return np.asarray(again)
