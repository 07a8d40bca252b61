"""One figure per case: what the network saw, where language looked, what it weighed, what came of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from scripts.findings.finding import Candidate, Descriptor, Finding
from scripts.radiomics.titles import title_of
from scripts.sites import Classes, Site
from scripts.writing.drawing import (
    BACKGROUND,
    FAINT,
    RGB,
    SERIES_COLORS,
    TEXT,
    draw_contour,
    fitting_font,
    font_of,
    picture_image,
)
from scripts.writing.notice import NOTE

from .overlay import one_by_one
from .wording import color_of, heading, numbers, sentence_case

_WIDTH, _GAP, _LINE = 320, 8, 20
# Dark violet to pale yellow in steps of even lightness, as in matplotlib's inferno.
_HEAT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)


def draw_evidence(
    picture: np.ndarray, mask: np.ndarray, crop: Sequence[int], finding: Finding, site: Site
) -> Image.Image:
    """Image, response map, candidates with their weights, fused mask, side by side; below, what moved the diagnosis.

    Args:
        picture: the analysed region, uint8 (C, H, W).
        mask: of the region, above 0 where the lesion is, (H, W).
        crop: top, left, bottom, right of the region in the file's grid.
        finding: what was found, and why.
        site: knows colours and words.

    Returns:
        An RGB image.
    """
    scale = _WIDTH / picture.shape[2]
    size = (_WIDTH, max(1, round(picture.shape[1] * scale)))
    image = picture_image(picture).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    evidence, color = finding.evidence, TEXT
    if finding.found:
        color = color_of(finding, site)
    panels = (
        (image, "Image", TEXT),
        (_heat(image, finding.response), f"Response, peak {evidence.response_peak:.2f}", TEXT),
        (_boxes(image, scale, crop, evidence.candidates), "Candidates", TEXT),
        (_contours(image, mask, finding, site), heading(finding), color),
    )
    moved = moves(evidence.descriptors, site.classes)
    sheet = Image.new("RGB", (4 * _WIDTH + 5 * _GAP, size[1] + (3 + len(moved)) * _LINE + 2 * _GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    lines = [size[1] + _GAP + 4 + number * _LINE for number in range(3 + len(moved))]
    for number, (panel, words, fill) in enumerate(panels):
        left = _GAP + number * (_WIDTH + _GAP)
        sheet.paste(panel, (left, _GAP))
        draw.text((left, lines[0]), words, fill=fill, font=fitting_font(words, _WIDTH, 14))
        if number == 2:
            _weights(draw, left, lines[1], evidence.candidates)
    told = sentence_case(", ".join(numbers(finding, site)))
    draw.text((left, lines[1]), told, fill=TEXT, font=fitting_font(told, _WIDTH, 14))
    for words, line in zip(moved, lines[2:], strict=False):
        draw.text((_GAP, line), words, fill=TEXT, font=fitting_font(words, sheet.width - 2 * _GAP, 13))
    draw.text((_GAP, lines[-1]), f"Rad-VLSM · {NOTE}", fill=FAINT, font=font_of(13))
    return sheet


def moves(descriptors: Sequence[Descriptor], classes: Classes) -> list[str]:
    """What moved the diagnosis and where to, a line for each direction, the strongest first."""
    others = [name for name in classes.names if name != classes.positive]
    away = f"towards {others[0]}" if len(others) == 1 else f"away from {classes.positive}"
    directions: dict[str, list[str]] = {}
    for one in descriptors:
        direction = f"towards {classes.positive}" if one.moves_logit_by > 0 else away
        directions.setdefault(direction, []).append(f"{title_of(one.name)} {abs(one.moves_logit_by):.2f}")
    return [f"Moved {direction}: {', '.join(named)}" for direction, named in directions.items()]


def _heat(image: Image.Image, response: np.ndarray) -> Image.Image:
    """The response in colour over the image, transparent where there is none."""
    strength = np.asarray(Image.fromarray(response).resize(image.size, Image.Resampling.BILINEAR))
    levels = np.arange(256) / 255.0
    steps = np.linspace(0, 1, len(_HEAT))
    color = np.stack([np.interp(levels, steps, _HEAT[:, channel]) for channel in range(3)], axis=-1)
    share = 0.75 * np.minimum(1.0, 2 * levels)[:, None]
    added, kept = (color * share)[strength], (1 - share)[strength]
    return Image.fromarray((np.asarray(image) * kept + added).round().astype(np.uint8))


def _boxes(image: Image.Image, scale: float, crop: Sequence[int], candidates: Sequence[Candidate]) -> Image.Image:
    panel = image.copy()
    draw = ImageDraw.Draw(panel)
    top, left = crop[0], crop[1]
    # The most reliable last, on top of the others.
    for number, candidate in sorted(enumerate(candidates), key=lambda pair: pair[1].weight):
        x1, y1, x2, y2 = candidate.box
        corners = [(x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale - 1, (y2 - top) * scale - 1]
        # A box that lies in what was padded around the region has no extent in it.
        corners[2:] = max(corners[0], corners[2]), max(corners[1], corners[3])
        draw.rectangle(corners, outline=_series(number), width=1 + round(3 * candidate.weight))
    return panel


def _weights(draw: ImageDraw.ImageDraw, left: float, top: float, candidates: Sequence[Candidate]) -> None:
    """The weights in a row, each in its box's colour: beside boxes that are alike they would lie on each other."""
    font, end = font_of(14), left + _WIDTH
    draw.text((left, top), "Weights", fill=TEXT, font=font)
    left += font.getlength("Weights  ")
    for number, candidate in enumerate(candidates):
        words = f"{candidate.weight:.2f}"
        if left + font.getlength(words) > end:
            break
        draw.text((left, top), words, fill=_series(number), font=font)
        left += font.getlength(words + "  ")


def _series(number: int) -> RGB:
    return SERIES_COLORS[number % len(SERIES_COLORS)]


def _contours(image: Image.Image, mask: np.ndarray, finding: Finding, site: Site) -> Image.Image:
    canvas = np.array(image)
    for alone, lesion in one_by_one(np.asarray(mask) > 0, finding):
        inside = Image.fromarray(np.where(alone, 255, 0).astype(np.uint8)).resize(image.size, Image.Resampling.NEAREST)
        draw_contour(canvas, np.asarray(inside) > 127, color_of(lesion, site))
    return Image.fromarray(canvas)
