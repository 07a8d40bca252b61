"""Texts of different lengths in one batch: padded, and single places of them gathered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def padded(texts: Sequence[Sequence[int]], device: Any) -> tuple[Tensor, Tensor]:
    """Token ids (B, L), padded at their end by 0, and which are no padding."""
    longest = max(1, *map(len, texts))
    ids = torch.zeros(len(texts), longest, dtype=torch.long)
    valid = torch.zeros(len(texts), longest, dtype=torch.bool)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text, dtype=torch.long)
        valid[row, : len(text)] = True
    return ids.to(device), valid.to(device)


def last(hidden: Tensor, valid: Tensor) -> Tensor:
    """The hidden state of the last token that is no padding, shape (B, 1, width)."""
    places = torch.arange(valid.shape[1], device=valid.device).expand_as(valid)
    ends = places.masked_fill(~valid, 0).amax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), ends].unsqueeze(1)


def gather(hidden: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states of the chosen tokens in order, shape (B, T, width), and which of them exist (B, T)."""
    counts = chosen.sum(dim=1)
    most = int(counts.max()) if len(counts) else 0
    drawn = torch.arange(most, device=chosen.device)[None] < counts[:, None]
    gathered = hidden.new_zeros(len(hidden), most, hidden.shape[2])
    gathered[drawn] = hidden[chosen]
    return gathered, drawn
