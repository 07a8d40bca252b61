"""What people drew on an image, whatever tool they drew it with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from scripts.errors import BundleError

from .outlines import fill_polygon

#: How far beyond the image a corner may lie, in pixels: tools round.
_ROUNDING = 1.0
#: How an address begins that is not a path.
_SERVED = ("/data/", "http://", "https://", "s3://", "gs://")

Shape = tuple[int, int]


@dataclass(frozen=True)
class Drawing:
    """One shape of an annotated image.

    Attributes:
        label: what the annotator called it; "" where nothing was said.
        where: what opens every sentence about it.
        fill: from rows and columns of the image to the shape's mask, bool.
    """

    label: str
    where: str
    fill: Callable[[Shape], np.ndarray]


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and all that was drawn on it.

    Attributes:
        name: the image's file, as the annotations name it.
        where: what opens every sentence about it.
        size: rows and columns as the annotations state them; None where they do not.
        drawings: none where the image was looked at and shows no lesion.
    """

    name: str
    where: str
    size: Shape | None
    drawings: tuple[Drawing, ...]

    def mask(self, shape: Shape) -> np.ndarray:
        """Everything drawn, united.

        Args:
            shape: rows and columns of the image.

        Returns:
            Bool, of that shape.

        Raises:
            BundleError: the annotations are of an image of another size, or a shape does not fit in it.
        """
        if self.size is not None and self.size != shape:
            raise BundleError(
                f"{self.where} is of {self.size[0]} rows x {self.size[1]} columns, but its image has {shape[0]} x "
                f"{shape[1]}. Annotate the image as it is, or name the folder that holds the annotated one."
            )
        united = np.zeros(shape, dtype=bool)
        for drawing in self.drawings:
            united |= drawing.fill(shape)
        return united


def path_in(address: str) -> str:
    """The path of an image in the address that a tool serves it under; a plain path is its own."""
    if not address.startswith(_SERVED):
        return address
    parts = urlsplit(address)
    return parse_qs(parts.query).get("d", [unquote(parts.path)])[0]


def polygon_filler(corners: Any, where: str) -> Callable[[Shape], np.ndarray]:
    """What fills a polygon.

    Args:
        corners: pairs of x and y in pixels, or all of them in a row.
        where: opens the sentences.

    Raises:
        BundleError: these are not the corners of a polygon.
    """
    points = as_points(corners, where)

    def fill(shape: Shape) -> np.ndarray:
        ends = np.asarray(shape[::-1], dtype=np.float64) + _ROUNDING
        if (points < -_ROUNDING).any() or (points > ends).any():
            raise BundleError(
                f"{where} reaches outside its image of {shape[0]} rows x {shape[1]} columns. Move its corners inside."
            )
        return fill_polygon(points, shape)

    return fill


def as_points(corners: Any, where: str) -> np.ndarray:
    """Corners (N, 2) as numbers, N > 2.

    Raises:
        BundleError: they are none.
    """
    try:
        points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        points = np.empty((0, 2))
    if len(points) < 3 or not np.isfinite(points).all():
        raise BundleError(f"{where} is no polygon: it needs three corners or more, each an x and a y. Draw it anew.")
    return points


def run_filler(
    read: Callable[[Any, Shape], np.ndarray], content: Sequence[int] | str, where: str
) -> Callable[[Shape], np.ndarray]:
    """What fills a mask of run lengths.

    Args:
        read: from the content and the image's rows and columns to the mask; raises ValueError.
        content: the run lengths.
        where: opens the sentences.
    """

    def fill(shape: Shape) -> np.ndarray:
        try:
            return read(content, shape)
        except (IndexError, OverflowError, TypeError, ValueError):
            raise BundleError(
                f"{where} has run lengths that do not fill its image of {shape[0]} rows x {shape[1]} columns. "
                "Draw it anew."
            ) from None

    return fill
