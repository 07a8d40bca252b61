"""Masks as run lengths, as COCO writes them: columns first, beginning with background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def count_runs(mask: np.ndarray) -> list[int]:
    """A mask as COCO's uncompressed counts.

    Args:
        mask: bool, shape (rows, columns).

    Returns:
        Lengths of runs of background and mask in turn, down the columns.
    """
    values = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(values)) + 1
    runs = np.diff(np.concatenate(([0], edges, [values.size]))).tolist()
    return [0, *runs] if values.size and values[0] else runs


def fill_runs(counts: Sequence[int] | str, shape: tuple[int, int]) -> np.ndarray:
    """A mask of COCO's counts, compressed (a text) or not.

    Raises:
        ValueError: they do not fill the shape.
    """
    runs = np.asarray(_uncompressed(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if runs.ndim != 1 or (runs < 0).any() or runs.sum() != shape[0] * shape[1]:
        raise ValueError("the run lengths do not fill the image")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape, order="F")


def _uncompressed(text: str) -> list[int]:
    """COCO's text: five bits a character, from the lowest; from the fourth on, the difference to the last but one."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError("the run lengths are not COCO's")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts
