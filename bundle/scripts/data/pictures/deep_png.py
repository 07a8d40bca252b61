"""PNG files with 16 bits of colour, of which Pillow keeps the upper half."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

#: Raw modes that keep the high bytes, and those of the same length that keep the low ones.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
_GRAY_AND_ALPHA = "LA;16B"


def deep_pixels(picture: Image.Image) -> np.ndarray | None:
    """All 16 bits of a colour picture, or of a gray one with alpha.

    Args:
        picture: opened from bytes, not decoded yet.

    Returns:
        uint16, (H, W, C) with C = 3, 4 with alpha, 2 for gray with alpha; None for any other picture.
    """
    mode = picture.tile[0][3] if picture.tile else ""
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
        again.tile = [(*tile[:3], raw_mode) for tile in again.tile]
        return np.asarray(again)
