"""Who attends to whom: image tokens, question, answer, in RCMed's causal order or with a prefix that sees itself."""

from __future__ import annotations

import torch
from torch import Tensor

#: ``causal``: each token sees those before it, so that image tokens never know the question (RCMed).
#: ``prefix``: image and question see each other in both directions; the answer is causal.
ORDERS = ("causal", "prefix")


def attention_mask(valid: Tensor, prefix: int, order: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """An additive mask for ``transformers``, which takes masks of four dimensions as they are.

    Args:
        valid: which tokens are not padding, bool, shape (B, L).
        prefix: tokens of image and question, padding included.
        order: one of ``ORDERS``.
        dtype: of the language model.

    Returns:
        0 where attention is allowed, the lowest number elsewhere, shape (B, 1, L, L). Every token sees itself.
    """
    length = valid.shape[1]
    allowed = torch.ones(length, length, dtype=torch.bool, device=valid.device).tril()
    if order == "prefix":
        allowed[:prefix, :prefix] = True
    diagonal = torch.eye(length, dtype=torch.bool, device=valid.device)
    allowed = (allowed & valid[:, None, :]) | diagonal
    return torch.zeros(allowed.shape, dtype=dtype, device=valid.device).masked_fill(
        ~allowed, torch.finfo(dtype).min
    ).unsqueeze(1)


def position_ids(valid: Tensor) -> Tensor:
    """Places of tokens, padding not counted, shape (B, L)."""
    return (valid.long().cumsum(dim=1) - 1).clamp(min=0)
