"""How many frames the pixel data of a DICOM file holds: from lengths and first bytes alone, without decoding it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from scripts.data.reasons import ReadingProblem

_UNDEFINED = 0xFFFFFFFF
_ITEM, _DELIMITER = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
#: How a frame's first fragment begins: JPEG and JPEG-LS, JPEG 2000, and RLE with its number of segments.
_FRAME_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", *(bytes((count, 0, 0, 0)) for count in range(1, 16)))


@dataclass(frozen=True)
class PixelElement:
    """Where the pixel data element's value begins in the file, its length, and whether it holds integers."""

    start: int
    length: int
    integer: bool


@dataclass(frozen=True)
class PixelStream:
    """What the pixel data holds.

    Attributes:
        frames: whole frames, at least 1.
        start: where the value begins in the file, in bytes.
        end: where it ends.
    """

    frames: int
    start: int
    end: int


def measure_pixel_element(
    file: BinaryIO, size: int, pixels: PixelElement, encapsulated: bool, frames: int, frame_bytes: int
) -> PixelStream:
    """Count the frames that the file holds, whatever its header promises.

    Args:
        file: open; its position moves.
        size: of the file in bytes, or of the inflated data set.
        pixels: the pixel data element.
        encapsulated: the transfer syntax puts frames into items (PS3.5 A.4).
        frames: promised number of frames, at least 1.
        frame_bytes: of one native frame.

    Raises:
        ReadingProblem: TRUNCATED or PIXEL_DECODE_FAILED; not one whole frame is there, or the file is cut.
    """
    if not pixels.integer:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "floating point pixels are not supported")
    if not encapsulated:
        end = pixels.start + min(pixels.length, size - pixels.start)
        whole = (end - pixels.start) // frame_bytes
        if not whole:
            raise ReadingProblem("PIXEL_DECODE_FAILED", "fewer pixels than the header says")
        return PixelStream(whole, pixels.start, end)
    if pixels.length != _UNDEFINED:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "fewer frames than the header says")
    return _measure_items(file, size, pixels.start, frames)


def _measure_items(file: BinaryIO, size: int, start: int, promised: int) -> PixelStream:
    """Walk the items of an encapsulated stream; the first is the offset table (PS3.5 A.4)."""
    offsets, fragments, starts, position = -1, 0, 0, start
    while True:
        file.seek(position)
        head = file.read(12)
        if len(head) < 8:
            raise ReadingProblem("TRUNCATED", "the pixel data is cut")
        group, element, length = struct.unpack("<HHL", head[:8])
        if (group, element) == _DELIMITER:
            break
        if (group, element) != _ITEM:
            raise ReadingProblem("PIXEL_DECODE_FAILED", "damaged pixel data items")
        position += 8 + length
        if position > size:
            raise ReadingProblem("TRUNCATED", "the pixel data is cut")
        if offsets < 0:
            offsets = length // 4
        else:
            fragments += 1
            starts += head[8:].startswith(_FRAME_STARTS)
    # A frame may be cut into fragments, so that only a table or the fragments' first bytes tell of further frames.
    frames = max(offsets or starts, min(fragments, promised))
    if not fragments:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "fewer frames than the header says")
    return PixelStream(frames, start, position)
