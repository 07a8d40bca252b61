"""Picture files, and arrays, as pixel values in [0, 1]."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .opening import open_picture, pixels_of, upright

_8_BIT_MODES = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA"}


def read_picture(path: str, frame: int = 0) -> np.ndarray:
    """Read a picture file, upright (EXIF orientation applied).

    Args:
        path: the file; gray, gray with alpha, colour, colour with alpha, palette; 1, 8, 16 or 32 bit.
        frame: of an animation or a file of several pages, 0-based.

    Returns:
        Pixels (H, W) or (H, W, 3): uint8, or uint16, int32 or float32 as the file has them. Transparent pixels are laid
        on black.

    Raises:
        ReadingProblem: TRUNCATED, PIXEL_DECODE_FAILED or UNUSABLE_IMAGE.
    """
    with open_picture(path, frame) as picture:
        deep = pixels_of(picture)
        return _eight_bits(upright(picture)) if deep is None else _on_black(deep)


def _eight_bits(picture: Image.Image) -> np.ndarray:
    mode = _8_BIT_MODES.get(picture.mode, "RGBA" if "transparency" in picture.info else "RGB")
    values = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return values if mode in ("L", "RGB") else _on_black(values)


def _on_black(values: np.ndarray) -> np.ndarray:
    """Without the alpha channel, where there is one."""
    if values.ndim == 2 or values.shape[-1] == 3:
        return values
    color, alpha = values[..., :-1], values[..., -1:].astype(np.uint32)
    white = np.iinfo(values.dtype).max
    laid = color if alpha.min() == white else (color * alpha // white).astype(values.dtype)
    return laid[..., 0] if laid.shape[-1] == 1 else laid


def unit_range(values: np.ndarray, full_scale: float) -> np.ndarray:
    """Pixel values as float32 in [0, 1], channel first.

    Args:
        values: (H, W) or (H, W, 3).
        full_scale: the value that means white.

    Returns:
        (1, H, W) or (3, H, W), contiguous.
    """
    channels = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    scaled = np.multiply(channels, np.float32(1.0 / full_scale), dtype=np.float32, order="C")
    return np.clip(scaled, 0.0, 1.0, out=scaled)
