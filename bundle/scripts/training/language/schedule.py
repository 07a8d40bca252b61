"""Warm-up, then linear decay to nothing."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def linear_decay(optimizer: Optimizer, warmup_steps: int, steps: int) -> LambdaLR:
    """A schedule of learning rates.

    Args:
        optimizer: whose rates.
        warmup_steps: steps in which they rise from near 0.
        steps: of the whole training, the last at almost 0.
    """
    warmup = max(1, min(int(warmup_steps), steps // 2))
    return LambdaLR(optimizer, lambda step: min((step + 1) / warmup, max(0.0, (steps - step) / max(1, steps - warmup))))
