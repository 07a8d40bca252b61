"""One figure per case: what the network saw, where language looked, what it weighed, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from scripts.writing.drawing import draw_contour, font_of
from scripts.writing.notice import NOTE

_WIDTH, _GAP, _LINE = 320, 8, 20
BACKGROUND, TEXT, FAINT = (18, 18, 20), (238, 238, 238), (165, 165, 170)
# Dark violet to pale yellow in steps of even lightness, as in matplotlib's inferno.
_HEAT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
_BOXES = ((79, 195, 247), (255, 213, 79), (174, 213, 129), (206, 147, 216), (255, 138, 101))


def draw_evidence(
    picture: np.ndarray,
    response: np.ndarray,
    mask: np.ndarray,
    crop: Sequence[int],
    evidence: Mapping[str, Any],
    prediction: Mapping[str, Any],
) -> Image.Image:
    """Image, response map, candidates with their weights, fused mask, side by side.

    Args:
        picture: the analysed region, uint8 (C, H, W).
        response: the response map on the region, uint8 0..255, any size with the same aspect.
        mask: of the region, above 0 where the lesion is, (H, W).
        crop: top, left, bottom, right of the region in the file's grid.
        evidence: an entry of evidence.json.
        prediction: ``lesion_found``, ``diagnosis``, ``malignancy_probability``, ``reliability``.

    Returns:
        An RGB image.
    """
    gray = np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))
    scale = _WIDTH / gray.shape[1]
    size = (_WIDTH, max(1, round(gray.shape[0] * scale)))
    image = Image.fromarray(gray).resize(size, Image.Resampling.BICUBIC)
    panels = (
        (image, "image"),
        (_heat(image, response), f"response, peak {evidence['response_peak']:.2f}"),
        (_candidates(image, scale, crop, evidence["candidates"]), "candidates: weight"),
        (_contour(image, mask), _outcome(prediction)),
    )
    sheet = Image.new("RGB", (4 * _WIDTH + 5 * _GAP, size[1] + 3 * _LINE + 2 * _GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, (panel, words) in enumerate(panels):
        left = _GAP + number * (_WIDTH + _GAP)
        sheet.paste(panel, (left, _GAP))
        draw.text((left, size[1] + _GAP + 4), words, fill=TEXT, font=font_of(14))
    moved = ", ".join(f"{one['name']} {one['moves_logit_by']:+.2f}" for one in evidence["descriptors"][:4])
    if moved:
        draw.text((_GAP, size[1] + _GAP + 4 + _LINE), f"moved towards malignant: {moved}", fill=TEXT, font=font_of(13))
    draw.text((_GAP, size[1] + _GAP + 2 * _LINE), f"Rad-VLSM · {NOTE}", fill=FAINT, font=font_of(13))
    return sheet


def _heat(image: Image.Image, response: np.ndarray) -> Image.Image:
    """The response in colour over the image, transparent where there is none."""
    strength = np.asarray(Image.fromarray(response).resize(image.size, Image.Resampling.BILINEAR), np.float64) / 255.0
    steps = np.linspace(0, 1, len(_HEAT))
    color = np.stack([np.interp(strength, steps, _HEAT[:, channel]) for channel in range(3)], axis=-1)
    share = 0.75 * np.minimum(1.0, 2 * strength)[..., None]
    return Image.fromarray((np.asarray(image) * (1 - share) + color * share).round().astype(np.uint8))


def _candidates(
    image: Image.Image, scale: float, crop: Sequence[int], candidates: Sequence[Mapping[str, Any]]
) -> Image.Image:
    panel = image.copy()
    draw = ImageDraw.Draw(panel)
    top, left = crop[0], crop[1]
    # The most reliable last, on top of the others.
    for number, candidate in sorted(enumerate(candidates), key=lambda pair: pair[1]["weight"]):
        x1, y1, x2, y2 = candidate["box"]
        corners = [(x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale - 1, (y2 - top) * scale - 1]
        # A box that lies in what was padded around the region has no extent in it.
        corners[2:] = max(corners[0], corners[2]), max(corners[1], corners[3])
        color = _BOXES[number % len(_BOXES)]
        draw.rectangle(corners, outline=color, width=1 + round(3 * candidate["weight"]))
        anchor = (min(max(corners[0] + 3, 0), _WIDTH - 36), max(corners[1] + 1 + 14 * (number % 3), 0))
        draw.text(anchor, f"{candidate['weight']:.2f}", fill=color, font=font_of(13), stroke_width=2, stroke_fill=0)
    return panel


def _contour(image: Image.Image, mask: np.ndarray) -> Image.Image:
    canvas = np.array(image)
    inside = Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8)).resize(image.size, Image.Resampling.NEAREST)
    draw_contour(canvas, np.asarray(inside) > 127, _BOXES[0])
    return Image.fromarray(canvas)


def _outcome(prediction: Mapping[str, Any]) -> str:
    if not prediction["lesion_found"]:
        return "no lesion found"
    return (
        f"{prediction['diagnosis']}, probability {prediction['malignancy_probability']:.2f}, "
        f"reliability {prediction['reliability']:.2f}"
    )
