"""What a run is about to do, in a few readable log lines before it does it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ignite.distributed import get_rank, get_world_size
from torch import nn

from scripts.sites import Classes

logger = logging.getLogger(__name__)


def announce(run: str, facts: Mapping[str, Any]) -> None:
    """Log the facts of a run, one line each; of several processes the first speaks.

    Args:
        run: what is run, such as "training".
        facts: what there is to know, by name. Facts about patients' files are counts, never names or paths.
    """
    if get_rank() > 0:
        return
    if get_world_size() > 1:
        facts = {**facts, "processes": get_world_size()}
    width = max(map(len, facts), default=0)
    logger.info("%s:", run)
    for name, value in facts.items():
        logger.info("  %-*s  %s", width, name, value)


def count_images(items: Sequence[Mapping[str, Any]]) -> str:
    """How many images a list has, and how many of each diagnosis: "12 (9 of one class, 3 normal)"."""
    counts = Counter(item["diagnosis"] for item in items if item.get("diagnosis"))
    each = ", ".join(f"{counts[diagnosis]} {diagnosis}" for diagnosis in sorted(counts))
    return f"{len(items)} ({each})" if each else str(len(items))


def warn_of_missing_classes(items: Sequence[Mapping[str, Any]], classes: Classes) -> None:
    """Say what a list cannot teach for want of a class; of several processes the first speaks.

    Args:
        items: a data list to train with; an item's ``diagnosis`` is a word of ``classes``, or not known.
        classes: what the site tells apart.
    """
    if get_rank() > 0:
        return
    known = {item.get("diagnosis") for item in items} - {None}
    missing = [name for name in classes.names if name not in known]
    if missing:
        logger.warning(
            "No image to train with is %s: the diagnosis is not learned, and its answers will mean nothing; "
            "add such images, or use the masks alone.",
            " or ".join(missing),
        )
    if classes.absent not in known:
        logger.warning(
            "No image to train with is %s: nothing teaches that a lesion may be absent; "
            "add images without one, or expect a mask on nearly every image.",
            classes.absent,
        )


def count_parameters(network: nn.Module) -> str:
    """How large a network is, and how much of it learns unless all does: "91.2 million parameters, 4.1 trainable"."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in network.parameters()]
    every, learn = sum(size for size, _ in sizes), sum(size for size, learns in sizes if learns)
    return f"{every / 1e6:.1f} million parameters" + (f", {learn / 1e6:.1f} trainable" if learn < every else "")
