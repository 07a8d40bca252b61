"""Overlays made to be looked at: a crisp contour around the lesion, and below the picture what was found."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from scripts.findings.finding import Finding
from scripts.sites import Site
from scripts.writing.drawing import BACKGROUND, FAINT, TEXT, draw_contour, fitting_font, font_of
from scripts.writing.notice import NOTE

from .wording import color_of, heading, numbers, sentence_case

_SMALLEST_WIDTH = 420


def draw_overlay(picture: np.ndarray, mask: np.ndarray, finding: Finding, site: Site) -> Image.Image:
    """The picture with the lesion's contour, and a caption below it.

    The contour runs just outside of the mask, so that the lesion and its margin stay visible.

    Args:
        picture: uint8, shape (C, H, W), C = 1 or 3.
        mask: of the picture, shape (H, W), above 0 where the lesion is.
        finding: what the caption says.
        site: knows colours and words.

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
    draw_contour(canvas, inside, color_of(finding, site))
    return _add_caption(Image.fromarray(canvas), finding, site)


def without_caption(overlay: Image.Image) -> Image.Image:
    """The picture and contour of an overlay, without the words below it.

    Args:
        overlay: of :func:`draw_overlay`.
    """
    return overlay.crop((0, 0, overlay.width, overlay.height - _caption_height(overlay.width)))


def _letter_size(width: int) -> int:
    return min(max(width // 30, 15), 44)


def _caption_height(width: int) -> int:
    size = _letter_size(width)
    return 3 * round(1.4 * size) + size // 2


def _add_caption(picture: Image.Image, finding: Finding, site: Site) -> Image.Image:
    width = max(picture.width, _SMALLEST_WIDTH)
    size = _letter_size(width)
    line = round(1.4 * size)
    sheet = Image.new("RGB", (width, picture.height + _caption_height(width)), BACKGROUND)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    left, top = round(0.7 * size), picture.height + size // 2
    told = "    ".join(map(sentence_case, numbers(finding, site)))
    font = fitting_font(told, width - 2 * left, round(0.85 * size))
    draw.text((left, top), heading(finding), fill=color_of(finding, site), font=font_of(size))
    draw.text((left, top + line), told, fill=TEXT, font=font)
    draw.text((left, top + 2 * line), f"Rad-VLSM · {NOTE}", fill=FAINT, font=font_of(round(0.75 * size)))
    return sheet
