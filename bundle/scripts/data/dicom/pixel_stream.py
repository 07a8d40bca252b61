"""Is the pixel data of a DICOM file all there? Answered from lengths alone, without reading it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from scripts.data.reasons import ReadingProblem

_UNDEFINED = 0xFFFFFFFF
_ITEM, _DELIMITER = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


@dataclass(frozen=True)
class PixelElement:
    """Where the pixel data element's value begins in the file, its length, and whether it holds integers."""

    start: int
    length: int
    integer: bool


def check_pixel_element(
    file: BinaryIO, size: int, pixels: PixelElement, encapsulated: bool, frames: int, frame_bytes: int
) -> None:
    """Check that the file holds the frames that its header promises.

    Args:
        file: open; its position moves.
        size: of the file in bytes.
        pixels: the pixel data element.
        encapsulated: the transfer syntax puts frames into items (PS3.5 A.4).
        frames: promised number of frames.
        frame_bytes: of one native frame.

    Raises:
        ReadingProblem: TRUNCATED or PIXEL_DECODE_FAILED.
    """
    if not pixels.integer:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "floating point pixels are not supported")
    if encapsulated:
        fragments = _count_fragments(file, size, pixels.start) if pixels.length == _UNDEFINED else 0
        if fragments < frames:
            raise ReadingProblem("PIXEL_DECODE_FAILED", "fewer frames than the header says")
    elif min(pixels.length, size - pixels.start) < frames * frame_bytes:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "fewer pixels than the header says")


def _count_fragments(file: BinaryIO, size: int, start: int) -> int:
    """Walk the items of an encapsulated stream; the first is the offset table (PS3.5 A.4)."""
    items, position = 0, start
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            raise ReadingProblem("TRUNCATED", "the pixel data is cut")
        group, element, length = struct.unpack("<HHL", head)
        if (group, element) == _DELIMITER:
            return items - 1
        if (group, element) != _ITEM:
            raise ReadingProblem("PIXEL_DECODE_FAILED", "damaged pixel data items")
        position += 8 + length
        if position > size:
            raise ReadingProblem("TRUNCATED", "the pixel data is cut")
        items += 1
