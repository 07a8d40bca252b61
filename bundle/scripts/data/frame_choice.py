"""Which frames of a cine are analysed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scripts.errors import BundleError

#: "all", "middle", "every N", or 0-based frame numbers.
FrameChoice = str | int | Sequence[int]


def choose_frames(count: int, frames: FrameChoice, max_frames: int) -> list[int]:
    """Choose frames of a cine; a still's one frame is always chosen.

    Args:
        count: of the cine's frames.
        frames: "all", "middle", "every N" or 0-based frame numbers, of which those that the cine has are taken.
        max_frames: if more are chosen they are thinned evenly.

    Returns:
        0-based frame numbers, ascending.

    Raises:
        BundleError: ``frames`` or ``max_frames`` says nothing sensible.
    """
    wanted = _wanted(count, frames)
    if wanted is None or isinstance(max_frames, bool) or max_frames < 1:
        raise BundleError(
            f"frames is {frames!r} and max_frames {max_frames!r}. "
            'Give --frames "all", "middle", "every N" or a list of frame numbers from 0, and --max_frames 1 or more.'
        )
    if count == 1:
        return [0]
    chosen = sorted({frame for frame in wanted if frame < count})
    if len(chosen) <= max_frames:
        return chosen
    return [chosen[index * len(chosen) // max_frames] for index in range(max_frames)]


def _wanted(count: int, frames: FrameChoice) -> Sequence[int] | None:
    if isinstance(frames, str):
        text = frames.strip().lower()
        if text == "all":
            return range(count)
        if text == "middle":
            return [count // 2]
        every = re.fullmatch(r"every\s+([1-9][0-9]{0,8})", text)
        return range(0, count, int(every[1])) if every else None
    numbers = [frames] if isinstance(frames, int) else list(frames)
    good = numbers and all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in numbers)
    return numbers if good else None
