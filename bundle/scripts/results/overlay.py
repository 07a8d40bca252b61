"""Overlays made to be looked at: a crisp contour around the lesion, and below the picture what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from scripts.findings.finding import Finding, Lesion
from scripts.findings.measurements import connected_parts
from scripts.sites import Site
from scripts.writing.drawing import BACKGROUND, FAINT, TEXT, draw_contour, fitting_font, font_of, picture_image, wrap
from scripts.writing.notice import NOTE

from .wording import color_of, extent, heading, looks, numbers, sentence_case

_SMALLEST_WIDTH = 420
#: Where an overlay, and its PNG, tell how many rows the picture has above its caption.
PICTURE_ROWS = "picture rows"


def draw_overlay(
    picture: np.ndarray, mask: np.ndarray, finding: Finding, site: Site, name: str = ""
) -> Image.Image:
    """The picture with the lesions' contours, each in the colour of its diagnosis, and a caption below it.

    The contours run just outside of the mask, so that a lesion and its margin stay visible.

    Args:
        picture: uint8, shape (C, H, W), C = 1 or 3.
        mask: of the picture, shape (H, W), above 0 where the lesion is.
        finding: what the caption says.
        site: knows colours and words.
        name: of the image, for the caption.

    Returns:
        An RGB image at least as large as the picture; small pictures are enlarged by whole factors.
    """
    enlarged = max(1, round(_SMALLEST_WIDTH / max(picture.shape[1:])))
    image, inside = picture_image(picture), np.asarray(mask) > 0
    if enlarged > 1:
        image = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.BICUBIC)
        inside = inside.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    canvas = np.array(image.convert("RGB"))
    for alone, lesion in one_by_one(inside, finding):
        draw_contour(canvas, alone, color_of(lesion, site))
    return _add_caption(Image.fromarray(canvas), finding, site, name)


def one_by_one(inside: np.ndarray, finding: Finding) -> Iterator[tuple[np.ndarray, Lesion]]:
    """The mask of each lesion alone, of the size of the mask of all, and the lesion.

    Args:
        inside: bool, where any lesion is.
        finding: with the lesions.
    """
    for (box, part), lesion in zip(connected_parts(inside), finding.lesions, strict=False):
        alone = np.zeros_like(inside)
        alone[box[0] : box[2], box[1] : box[3]] = part
        yield alone, lesion


def without_caption(overlay: Image.Image) -> Image.Image:
    """The picture and contour of an overlay, without the words below it.

    Args:
        overlay: of :func:`draw_overlay`, or read from its PNG.
    """
    return overlay.crop((0, 0, overlay.width, int(overlay.info.get(PICTURE_ROWS, overlay.height))))


def _add_caption(picture: Image.Image, finding: Finding, site: Site, name: str) -> Image.Image:
    width = max(picture.width, _SMALLEST_WIDTH)
    size = min(max(width // 30, 15), 44)
    line = round(1.4 * size)
    left, small = round(0.7 * size), font_of(round(0.75 * size))
    said = [sentence_case(extent(finding)), *wrap(sentence_case(looks(finding)), width - 2 * left, small)]
    said = list(filter(None, said))
    sheet = Image.new("RGB", (width, picture.height + (3 + len(said)) * line + size // 2), BACKGROUND)
    sheet.info[PICTURE_ROWS] = str(picture.height)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    top = picture.height + size // 2
    told = "    ".join(map(sentence_case, numbers(finding, site)))
    font = fitting_font(told, width - 2 * left, round(0.85 * size))
    draw.text((left, top), heading(finding), fill=color_of(finding, site), font=font_of(size))
    draw.text((left, top + line), told, fill=TEXT, font=font)
    for number, words in enumerate(said, start=2):
        draw.text((left, top + number * line), words, fill=TEXT, font=small)
    about = " · ".join(filter(None, ("Rad-VLSM", NOTE, name)))
    font = fitting_font(about, width - 2 * left, round(0.75 * size))
    draw.text((left, top + (2 + len(said)) * line), about, fill=FAINT, font=font)
    return sheet
