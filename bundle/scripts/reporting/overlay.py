"""Overlays made to be looked at: a crisp contour around the lesion, and below the picture what was found."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from scripts.reporting.lesion_description import NOTE

# Told apart by people with colour vision deficiency too, and both unlike speckle.
_COLORS = {"malignant": (255, 112, 67), "benign": (79, 195, 247), "none": (190, 190, 190)}
_INDETERMINATE = (255, 213, 79)
_BACKGROUND, _TEXT, _FAINT = (18, 18, 20), (238, 238, 238), (165, 165, 170)
_SMALLEST_WIDTH = 420


def draw_overlay(picture: np.ndarray, mask: np.ndarray, prediction: Mapping[str, Any]) -> Image.Image:
    """The picture with the lesion's contour, and a caption below it.

    The contour runs just outside of the mask, so that the lesion and its margin stay visible.

    Args:
        picture: uint8, shape (C, H, W), C = 1 or 3.
        mask: shape (H, W), above 0 where the lesion is.
        prediction: ``lesion_found``, ``diagnosis``, ``malignancy_probability``, ``reliability``, ``indeterminate``.

    Returns:
        An RGB image at least as large as the picture; small pictures are enlarged by whole factors.
    """
    enlarged = max(1, round(_SMALLEST_WIDTH / max(picture.shape[1:])))
    canvas = np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))
    inside = np.asarray(mask) > 0
    if enlarged > 1:
        size = (canvas.shape[1] * enlarged, canvas.shape[0] * enlarged)
        canvas = np.array(Image.fromarray(canvas).resize(size, Image.Resampling.BICUBIC))
        inside = inside.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    color = _color(prediction)
    draw_contour(canvas, inside, color)
    return _add_caption(Image.fromarray(canvas), prediction, color)


def png_bytes(image: Image.Image) -> bytes:
    """An image as PNG; speckle does not compress, so speed counts."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def mask_image(mask: np.ndarray) -> Image.Image:
    """A mask as an 8-bit image, 0 or 255, shape (rows, columns)."""
    return Image.fromarray(np.where(np.asarray(mask) > 0, 255, 0).astype(np.uint8))


def _color(prediction: Mapping[str, Any]) -> tuple[int, int, int]:
    return _INDETERMINATE if prediction["indeterminate"] else _COLORS[prediction["diagnosis"]]


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
    for reach, paint in ((line + 1.0, _BACKGROUND), (float(line), color)):
        share = np.where(outside, np.clip(reach + 0.5 - distance, 0.0, 1.0), 0.0)  # soft at its outer edge
        canvas[window] = (canvas[window] * (1 - share) + np.array(paint) * share).round().astype(np.uint8)


def _add_caption(picture: Image.Image, prediction: Mapping[str, Any], color: tuple[int, int, int]) -> Image.Image:
    width = max(picture.width, _SMALLEST_WIDTH)
    size = min(max(width // 30, 15), 44)
    line = round(1.4 * size)
    sheet = Image.new("RGB", (width, picture.height + 3 * line + size // 2), _BACKGROUND)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    left, top = round(0.7 * size), picture.height + size // 2
    heading, numbers = _words(prediction)
    draw.text((left, top), heading, fill=color, font=font_of(size))
    draw.text((left, top + line), numbers, fill=_TEXT, font=font_of(round(0.85 * size)))
    draw.text((left, top + 2 * line), f"Rad-VLSM · {NOTE}", fill=_FAINT, font=font_of(round(0.75 * size)))
    return sheet


def _words(prediction: Mapping[str, Any]) -> tuple[str, str]:
    if not prediction["lesion_found"]:
        return "No lesion found", "No mask, no diagnosis"
    heading = str(prediction["diagnosis"]).capitalize() + (", indeterminate" if prediction["indeterminate"] else "")
    probability, reliability = prediction["malignancy_probability"], prediction["reliability"]
    return heading, f"Malignancy probability {probability:.2f}    Reliability {reliability:.2f}"


@lru_cache(maxsize=8)
def font_of(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The caption's font at a size in pixels."""
    return ImageFont.load_default(size)
