"""Drawing on images: one palette, contours, fonts, PNG."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFont
from PIL.PngImagePlugin import PngInfo
from scipy import ndimage

#: Red, green, blue, each 0..255.
RGB = tuple[int, int, int]

BACKGROUND, TEXT, FAINT = (18, 18, 20), (238, 238, 238), (165, 165, 170)
# Told apart by people with colour vision deficiency too, and both unlike speckle.
TRUE_COLOR, PREDICTED_COLOR = (79, 195, 247), (255, 112, 67)
INDETERMINATE_COLOR = (255, 213, 79)
#: Of things that are side by side and mean no class, such as candidates.
SERIES_COLORS = ((245, 245, 245), (174, 213, 129), (206, 147, 216), (0, 191, 165), (244, 143, 177))


def png_bytes(image: Image.Image) -> bytes:
    """An image as PNG, with the texts of its ``info``; speckle does not compress, so speed counts."""
    buffer, texts = io.BytesIO(), PngInfo()
    for name, text in image.info.items():
        if isinstance(text, str):
            texts.add_text(name, text)
    image.save(buffer, "PNG", compress_level=1, pnginfo=texts)
    return buffer.getvalue()


def mask_image(mask: np.ndarray) -> Image.Image:
    """A mask as an 8-bit image, 0 or 255, shape (rows, columns)."""
    return Image.fromarray(np.where(np.asarray(mask) > 0, 255, 0).astype(np.uint8))


def picture_image(picture: np.ndarray) -> Image.Image:
    """A picture, uint8 (C, H, W) with C = 1 or 3, as an image, gray or RGB."""
    if picture.shape[0] == 1:
        return Image.fromarray(np.ascontiguousarray(picture[0]))
    return Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))


def draw_contour(canvas: np.ndarray, inside: np.ndarray, color: RGB) -> None:
    """Paint a line around the mask, with a dark hairline outside of it that sets it off from bright tissue.

    Args:
        canvas: RGB, uint8 (H, W, 3); painted in place.
        inside: the mask, boolean (H, W).
        color: of the line.
    """
    if not inside.any():
        return
    line = max(2, round(max(inside.shape) / 300))
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    margin = line + 3
    window = (
        slice(max(rows[0] - margin, 0), rows[-1] + 1 + margin),
        slice(max(columns[0] - margin, 0), columns[-1] + 1 + margin),
    )
    distance, canvas = ndimage.distance_transform_edt(~inside[window]), canvas[window]
    for reach, paint in ((line + 1.0, BACKGROUND), (float(line), color)):
        near = (distance > 0) & (distance < reach + 0.5)
        share = np.clip(reach + 0.5 - distance[near], 0.0, 1.0)[:, None]  # soft at its outer edge
        canvas[near] = (canvas[near] * (1 - share) + np.array(paint) * share).round().astype(np.uint8)


@lru_cache(maxsize=32)
def font_of(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The caption's font at a size in pixels."""
    return ImageFont.load_default(size)


def fitting_font(words: str, width: float, largest: int, smallest: int = 8) -> ImageFont.ImageFont:
    """The largest caption's font at which words are no wider than so many pixels, down to the smallest there is."""
    sizes = range(largest, smallest, -1)
    return font_of(next((size for size in sizes if font_of(size).getlength(words) <= width), smallest))


def wrap(words: str, width: float, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> list[str]:
    """A text in lines no wider than so many pixels, as far as its single words are."""
    lines: list[str] = []
    for word in words.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
