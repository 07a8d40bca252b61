"""PNG and JPEG files, and arrays, as pixel values in [0, 1]."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from scripts.quiet import quiet_libraries

from .limits import MAX_PIXELS, check_size
from .reasons import ReadingProblem

_GRAY_16_MODES = ("I;16", "I;16B", "I;16L", "I")
_8_BIT_MODES = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA"}




def read_picture(path: str) -> np.ndarray:
    """Read a PNG or JPEG file, upright (EXIF orientation applied).

    Args:
        path: the file; gray, gray with alpha, colour, colour with alpha, palette, 1, 8 or 16 bit.

    Returns:
        uint8 or uint16 pixels, (H, W) or (H, W, 3). Transparent pixels are laid on black.

    Raises:
        ReadingProblem: TRUNCATED, PIXEL_DECODE_FAILED or UNUSABLE_IMAGE.
    """
    try:
        with quiet_libraries(), Image.open(path, formats=("PNG", "JPEG")) as picture:
            check_size(picture.height, picture.width)
            picture.load()
            return _picture_values(ImageOps.exif_transpose(picture))
    except ReadingProblem:
        raise
    except Image.DecompressionBombError:
        raise ReadingProblem("UNUSABLE_IMAGE", f"more than {MAX_PIXELS} pixels") from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, ... on broken files
        code = "TRUNCATED" if "truncated" in str(error) else "PIXEL_DECODE_FAILED"
        raise ReadingProblem(code) from None


def _picture_values(picture: Image.Image) -> np.ndarray:
    if picture.mode in _GRAY_16_MODES:
        return np.asarray(picture).astype(np.uint16)
    mode = _8_BIT_MODES.get(picture.mode, "RGBA" if "transparency" in picture.info else "RGB")
    values = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    if mode in ("LA", "RGBA"):
        color, alpha = values[..., :-1], values[..., -1:].astype(np.uint16)
        values = color if alpha.min() == 255 else (color * alpha // 255).astype(np.uint8)
        values = values[..., 0] if mode == "LA" else values
    return values


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
