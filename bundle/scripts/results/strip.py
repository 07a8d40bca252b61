"""A cine on one picture: its answers over the frames, and some of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from scripts.findings.finding import INDETERMINATE
from scripts.findings.tracks import Reading
from scripts.sites import Site
from scripts.writing.drawing import BACKGROUND, FAINT, RGB, SERIES_COLORS, TEXT, draw_contour, fitting_font, font_of
from scripts.writing.notice import NOTE

from .wording import color_of, sentence_case

_WIDTH, _MARGIN, _CHART, _GAP = 1200, 28, 240, 10
_AXIS = 64  # left of the chart, for its numbers
_GRID, _RELIABILITY = (62, 62, 66), SERIES_COLORS[1]
_FINE = 3  # lines are drawn so many times larger, since Pillow does not smooth them


@dataclass(frozen=True)
class Thumbnail:
    """A frame to show.

    Attributes:
        frame: 0-based.
        picture: uint8 (C, H, W), C = 1 or 3.
        mask: of the picture, (H, W), above 0 where the main lesion is.
    """

    frame: int
    picture: np.ndarray
    mask: np.ndarray


def draw_strip(
    readings: Sequence[tuple[int, Reading | None]],
    answer: Reading | None,
    key: int | None,
    thumbnails: Sequence[Thumbnail],
    site: Site,
    lesions: int = 1,
) -> Image.Image:
    """Probability and mask reliability over the frames, the key frame marked, thumbnails below.

    Args:
        readings: the analysed frames in order, 0-based, and what each says of the main lesion; None where it was not
            found.
        answer: what they say together; None where no frame has a lesion.
        key: the frame of its best mask.
        thumbnails: shown side by side.
        site: knows colours and words.
        lesions: how many were followed through the frames.
    """
    color = TEXT if answer is None else color_of(answer, site)
    shown = [_thumbnail(one, dict(readings)[one.frame], len(thumbnails), site) for one in thumbnails]
    tallest = max((picture.height for picture in shown), default=0)
    chart_top = _MARGIN + 108
    strip_top = chart_top + _CHART + 64
    sheet = Image.new("RGB", (_WIDTH, strip_top + (tallest + 34 if shown else 0) + 44), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 6), _heading(answer), fill=color, font=font_of(28))
    told = "    ".join(_told(readings, answer, key, lesions, site))
    draw.text((_MARGIN, _MARGIN + 34), told, fill=TEXT, font=fitting_font(told, _WIDTH - 2 * _MARGIN, 20))
    _draw_chart(sheet, readings, key, chart_top, site)
    left = _MARGIN
    for one, picture in zip(thumbnails, shown, strict=True):
        sheet.paste(picture, (left, strip_top))
        if one.frame == key:
            corners = (left - 3, strip_top - 3, left + picture.width + 2, strip_top + picture.height + 2)
            draw.rectangle(corners, outline=TEXT, width=3)
        words = _caption(one.frame, dict(readings)[one.frame], key)
        draw.text((left, strip_top + tallest + 8), words, fill=TEXT, font=fitting_font(words, picture.width, 17))
        left += picture.width + _GAP
    draw.text((_MARGIN, sheet.height - 32), f"Rad-VLSM · {NOTE}", fill=FAINT, font=font_of(16))
    return sheet


def _heading(answer: Reading | None) -> str:
    if answer is None:
        return "No lesion found"
    return (sentence_case(answer.diagnosis) or "Lesion found") + (f", {INDETERMINATE}" if answer.indeterminate else "")


def _told(
    readings: Sequence[tuple[int, Reading | None]], answer: Reading | None, key: int | None, lesions: int, site: Site
) -> list[str]:
    found = sum(reading is not None for _, reading in readings)
    which = "Lesion" if lesions < 2 else f"The most lasting of {lesions} lesions"
    told = [f"{which} in {found} of {len(readings)} frames"]
    if answer is None:
        return told
    if answer.probability is not None:
        told.insert(0, f"{sentence_case(_probability(site))} {answer.probability:.2f}")
    return [*told, f"Key frame {key}", f"Its mask reliability {answer.mask_reliability:.2f}"]


def _caption(frame: int, reading: Reading | None, key: int | None) -> str:
    said = "not found" if reading is None else "" if reading.probability is None else f"{reading.probability:.2f}"
    return ", ".join(filter(None, (f"{'Key frame' if frame == key else 'Frame'} {frame}", said)))


def _probability(site: Site) -> str:
    return site.classes.probability.replace("_", " ")


def _thumbnail(one: Thumbnail, reading: Reading | None, count: int, site: Site) -> Image.Image:
    """The frame at the width of a thumbnail, or lower where it is tall; the contour is drawn at that size."""
    width = (_WIDTH - 2 * _MARGIN - (count - 1) * _GAP) // count
    rows, columns = one.picture.shape[1:]
    scale = min(width / columns, 260 / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    pixels = np.ascontiguousarray(np.broadcast_to(one.picture, (3, rows, columns)).transpose(1, 2, 0))
    canvas = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    mask = Image.fromarray(np.where(one.mask > 0, 255, 0).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    draw_contour(canvas, np.asarray(mask) > 127, TEXT if reading is None else color_of(reading, site))
    return Image.fromarray(canvas)


def _draw_chart(
    sheet: Image.Image, readings: Sequence[tuple[int, Reading | None]], key: int | None, top: int, site: Site
) -> None:
    width = _WIDTH - 2 * _MARGIN - _AXIS
    first, last = readings[0][0], readings[-1][0]
    fine = Image.new("RGB", (width * _FINE, (_CHART + 12) * _FINE), BACKGROUND)
    draw = ImageDraw.Draw(fine)

    def place(frame: int, value: float) -> tuple[float, float]:
        along = (frame - first) / max(last - first, 1)
        return (8 + along * (width - 16)) * _FINE, (6 + (1 - value) * _CHART) * _FINE

    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        height = place(first, value)[1]
        draw.line((0, height, fine.width, height), fill=_GRID, width=_FINE if value in (0.0, 0.5, 1.0) else 1)
    if key is not None:
        draw.line((*place(key, 0.0), *place(key, 1.0)), fill=TEXT, width=2 * _FINE)
    reliabilities = [(frame, reading.mask_reliability if reading else None) for frame, reading in readings]
    probabilities = [(frame, reading.probability if reading else None) for frame, reading in readings]
    for values, color in ((reliabilities, _RELIABILITY), (probabilities, FAINT)):
        for (one, value), (two, after) in zip(values, values[1:], strict=False):
            if value is not None and after is not None:
                draw.line((*place(one, value), *place(two, after)), fill=color, width=2 * _FINE)
    radius = _FINE * min(6.0, max(2.0, width / len(readings) / 3))
    for frame, reading in readings:
        if reading is None:
            _dot(draw, place(frame, 0.0), radius / 2, FAINT)
            continue
        _dot(draw, place(frame, reading.mask_reliability), radius / 2, _RELIABILITY)
        if reading.probability is not None:
            _dot(draw, place(frame, reading.probability), radius, color_of(reading, site))
    sheet.paste(fine.resize((width, _CHART + 12), Image.Resampling.BOX), (_MARGIN + _AXIS, top))

    words, font = ImageDraw.Draw(sheet), font_of(16)
    for value in (0.0, 0.5, 1.0):
        middle = top + place(first, value)[1] / _FINE
        words.text((_MARGIN + _AXIS - 10, middle), f"{value:g}", fill=FAINT, font=font, anchor="rm")
    below = top + _CHART + 16
    for frame in sorted({first, last} if key is None else {first, key, last}):
        near = key is not None and frame != key and abs(place(frame, 0)[0] - place(key, 0)[0]) < 130 * _FINE
        if not near:
            said = f"frame {frame}" if frame != key else f"key frame {frame}"
            left = _MARGIN + _AXIS + place(frame, 0)[0] / _FINE
            anchor = "la" if frame == first else "ra" if frame == last else "ma"
            words.text((left, below), said, fill=FAINT if frame != key else TEXT, font=font, anchor=anchor)
    _draw_legend(words, top - 22, readings, site)


def _draw_legend(
    draw: ImageDraw.ImageDraw, top: int, readings: Sequence[tuple[int, Reading | None]], site: Site
) -> None:
    """What each colour means, in one row; only what is there."""
    said = [reading for _, reading in readings if reading is not None]
    names = {color_of(one, site): INDETERMINATE if one.indeterminate else one.diagnosis for one in said}
    colors = {name: color for color, name in sorted(names.items(), key=lambda pair: pair[1]) if name}
    entries: list[tuple[str, RGB | None]] = [("Mask reliability", _RELIABILITY)] if said else []
    entries += [(f"{sentence_case(_probability(site))}:", None)] if colors else []
    entries += colors.items()
    entries += [("not found", FAINT)] if len(said) < len(readings) else []
    font, left = font_of(16), float(_MARGIN + _AXIS)
    for name, color in entries:
        if color is not None:
            _dot(draw, (left + 5, top), 5, color)
            left += 17
        draw.text((left, top), name, fill=FAINT, font=font, anchor="lm")
        left += font.getlength(name) + 22


def _dot(draw: ImageDraw.ImageDraw, center: tuple[float, float], radius: float, color: RGB) -> None:
    x, y = center
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
