"""A question, its answer and what it drew, as a picture made to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from scripts.writing.drawing import (
    BACKGROUND,
    FAINT,
    INDETERMINATE_COLOR,
    SERIES_COLORS,
    TEXT,
    draw_contour,
    font_of,
    wrap,
)
from scripts.writing.notice import NOTE

_SMALLEST_WIDTH = 520


def draw_answer(
    picture: np.ndarray, masks: Sequence[np.ndarray], question: str, answer: str, doubts: Sequence[str] = ()
) -> Image.Image:
    """The picture with a contour for each lesion of the answer; below it question, answer, and what contradicts it.

    Args:
        picture: uint8, shape (C, H, W), C = 1 or 3.
        masks: of each lesion in the answer's order, bool (H, W).
        question: as asked.
        answer: in words, lesions numbered.
        doubts: words that the measurement of a mask contradicts.

    Returns:
        An RGB image at least as large as the picture; small pictures are enlarged by whole factors.
    """
    enlarged = max(1, round(_SMALLEST_WIDTH / max(picture.shape[1:])))
    canvas = np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))
    if enlarged > 1:
        size = (canvas.shape[1] * enlarged, canvas.shape[0] * enlarged)
        canvas = np.array(Image.fromarray(canvas).resize(size, Image.Resampling.BICUBIC))
    for number, mask in enumerate(masks):
        inside = np.asarray(mask).repeat(enlarged, axis=0).repeat(enlarged, axis=1)
        draw_contour(canvas, inside, SERIES_COLORS[number % len(SERIES_COLORS)])
    return _with_words(Image.fromarray(canvas), len(masks), question, answer, doubts)


def _with_words(
    picture: Image.Image, lesions: int, question: str, answer: str, doubts: Sequence[str]
) -> Image.Image:
    width = max(picture.width, _SMALLEST_WIDTH)
    font, line, left = font_of(15), 21, 12
    lines = [(text, FAINT) for text in wrap(question, width - 2 * left, font)]
    lines += [(text, TEXT) for text in wrap(answer, width - 2 * left, font)]
    for doubt in doubts:
        lines += [(text, INDETERMINATE_COLOR) for text in wrap(doubt, width - 2 * left, font)]
    lines.append((f"Rad-VLSM · {NOTE}", FAINT))
    sheet = Image.new("RGB", (width, picture.height + line * (len(lines) + 1)), BACKGROUND)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    for number in range(lesions):
        draw.text((left + 30 * number, 6), f"[{number + 1}]", fill=SERIES_COLORS[number % 5], font=font)
    for number, (text, color) in enumerate(lines):
        draw.text((left, picture.height + line // 2 + number * line), text, fill=color, font=font)
    return sheet
