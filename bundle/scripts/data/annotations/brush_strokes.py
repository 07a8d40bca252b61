"""Masks as Label Studio's brush keeps them: bit-packed runs of a picture in red, green, blue and opacity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CHANNELS = 4
#: Bits for the length of a block, by class: the encoder needs the last one alone.
_LENGTH_BITS = (3, 4, 8, 16)
_LONGEST = 1 << _LENGTH_BITS[-1]


def pack_brush(mask: np.ndarray) -> list[int]:
    """A mask as the bytes of a ``brushlabels`` result.

    Args:
        mask: bool, shape (rows, columns).
    """
    values = mask.ravel()
    edges = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1, [values.size]))
    bits = [f"{values.size * _CHANNELS:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in _LENGTH_BITS)]
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        value, left = 255 if values[start] else 0, int(end - start) * _CHANNELS
        while left > 0:
            length = min(left, _LONGEST)
            bits.append(f"1{len(_LENGTH_BITS) - 1:02b}{length - 1:016b}{value:08b}")
            left -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def unpack_brush(content: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    """The mask of a ``brushlabels`` result: where it is not transparent.

    Args:
        content: its bytes.
        shape: rows and columns of the image.

    Returns:
        Bool, of that shape.

    Raises:
        ValueError: the bytes are damaged, or do not fill the shape.
    """
    stream = _Bits(content)
    size, width = stream.read(32), stream.read(5) + 1
    if size != shape[0] * shape[1] * _CHANNELS or width != 8:
        raise ValueError("the brush does not fill the image")
    length_bits = [stream.read(4) + 1 for _ in _LENGTH_BITS]
    values, at = np.zeros(size, dtype=np.uint8), 0
    while at < size:
        repeated = stream.read(1)
        end = at + stream.read(length_bits[stream.read(2)]) + 1
        if end > size:
            raise ValueError("the brush is larger than the image")
        values[at:end] = stream.read(8) if repeated else stream.read_bytes(end - at)
        at = end
    return values.reshape(*shape, _CHANNELS)[..., -1] > 0


class _Bits:
    """A stream of bits, highest first."""

    def __init__(self, content: Sequence[int]) -> None:
        self._bits = np.unpackbits(np.asarray(content, dtype=np.uint8))
        self._text, self._at = self._bits.tobytes().translate(bytes((48, 49)) + bytes(254)), 0

    def read(self, count: int) -> int:
        return int(self._text[self._step(count)], 2)

    def read_bytes(self, count: int) -> np.ndarray:
        return np.packbits(self._bits[self._step(8 * count)])

    def _step(self, count: int) -> slice:
        if self._at + count > len(self._text):
            raise ValueError("the brush is cut off")
        self._at += count
        return slice(self._at - count, self._at)
