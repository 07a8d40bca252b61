"""Drawing on images: contours, fonts, PNG."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFont
from scipy import ndimage

BACKGROUND, TEXT, FAINT = (18, 18, 20), (238, 238, 238), (165, 165, 170)


def png_bytes(image: Image.Image) -> bytes:
    """An image as PNG; speckle does not compress, so speed counts."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def mask_image(mask: np.ndarray) -> Image.Image:
    """A mask as an 8-bit image, 0 or 255, shape (rows, columns)."""
    return Image.fromarray(np.where(np.asarray(mask) > 0, 255, 0).astype(np.uint8))


def draw_contour(canvas: np.ndarray, inside: np.ndarray, color: tuple[int, int, int]) -> None:
    """Paint a line around the mask, with a dark hairline outside of it that sets it off from bright tissue.

    Args:
        canvas: RGB, uint8 (H, W, 3); painted in place.
        inside: the mask, boolean (H, W).
        color: of the line.
    """
    if not inside.any():
        return
    line = max(2, round(max(inside.shape) / 300))
    rows, columns = ndimage.find_objects(inside.astype(np.uint8))[0]
    margin = line + 3
    window = (
        slice(max(rows.start - margin, 0), rows.stop + margin),
        slice(max(columns.start - margin, 0), columns.stop + margin),
    )
    distance = ndimage.distance_transform_edt(~inside[window])[..., None]
    outside = distance > 0
    for reach, paint in ((line + 1.0, BACKGROUND), (float(line), color)):
        share = np.where(outside, np.clip(reach + 0.5 - distance, 0.0, 1.0), 0.0)  # soft at its outer edge
        canvas[window] = (canvas[window] * (1 - share) + np.array(paint) * share).round().astype(np.uint8)


@lru_cache(maxsize=8)
def font_of(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The caption's font at a size in pixels."""
    return ImageFont.load_default(size)
