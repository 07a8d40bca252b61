"""Overlays made to be looked at: a crisp contour around the lesion, and below the picture what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from scripts.writing.drawing import BACKGROUND, FAINT, TEXT, draw_contour, font_of
from scripts.writing.notice import NOTE

# Told apart by people with colour vision deficiency too, and both unlike speckle.
_COLORS = {"malignant": (255, 112, 67), "benign": (79, 195, 247), "none": (190, 190, 190)}
_INDETERMINATE = (255, 213, 79)
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






def _color(prediction: Mapping[str, Any]) -> tuple[int, int, int]:
    return _INDETERMINATE if prediction["indeterminate"] else _COLORS[prediction["diagnosis"]]




def _add_caption(picture: Image.Image, prediction: Mapping[str, Any], color: tuple[int, int, int]) -> Image.Image:
    width = max(picture.width, _SMALLEST_WIDTH)
    size = min(max(width // 30, 15), 44)
    line = round(1.4 * size)
    sheet = Image.new("RGB", (width, picture.height + 3 * line + size // 2), BACKGROUND)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    left, top = round(0.7 * size), picture.height + size // 2
    heading, numbers = _words(prediction)
    draw.text((left, top), heading, fill=color, font=font_of(size))
    draw.text((left, top + line), numbers, fill=TEXT, font=font_of(round(0.85 * size)))
    draw.text((left, top + 2 * line), f"Rad-VLSM · {NOTE}", fill=FAINT, font=font_of(round(0.75 * size)))
    return sheet


def _words(prediction: Mapping[str, Any]) -> tuple[str, str]:
    if not prediction["lesion_found"]:
        return "No lesion found", "No mask, no diagnosis"
    heading = str(prediction["diagnosis"]).capitalize() + (", indeterminate" if prediction["indeterminate"] else "")
    probability, reliability = prediction["malignancy_probability"], prediction["reliability"]
    return heading, f"Malignancy probability {probability:.2f}    Reliability {reliability:.2f}"


