"""How large and how small an image may be."""

from __future__ import annotations

from .reasons import ReadingProblem

#: The largest frame that is decoded, in pixels. Ultrasound frames have about a million; a header may claim anything.
MAX_PIXELS = 2**25

#: The shortest side that can be analysed.
MINIMUM_SIDE = 64


def check_size(rows: int, columns: int) -> None:
    """Refuse what no scanner makes, before memory is spent on it.

    Raises:
        ReadingProblem: UNUSABLE_IMAGE.
    """
    if rows < 1 or columns < 1:
        raise ReadingProblem("UNUSABLE_IMAGE", "it has no pixels")
    if rows * columns > MAX_PIXELS:
        raise ReadingProblem("UNUSABLE_IMAGE", f"more than {MAX_PIXELS} pixels")
