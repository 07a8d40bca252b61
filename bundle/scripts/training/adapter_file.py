"""The end of an adapter's training: what was learned beside the default weights, as one small file."""

from __future__ import annotations

import logging
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events
from torch import nn

from scripts.networks import save_adapter

logger = logging.getLogger("rad_vlsm")


class AdapterFile:
    """Writes ``adapter.pt`` when the training is over.

    Args:
        network: of :func:`scripts.networks.adapt`, usually the moving average.
        default: the weights that it began from.
        site: whose adapter it is.
        save_dir: folder of the file.
    """

    FILE = "adapter.pt"

    def __init__(self, network: nn.Module, default: str | Path, site: str, save_dir: str | Path) -> None:
        self.network, self.default, self.site = network, default, site
        self.path = Path(save_dir) / self.FILE

    def attach(self, engine: Engine) -> None:
        """Write when the training is over; the first process does."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        if idist.get_rank() == 0:
            save_adapter(self.network, self.default, self.site, self.path)
            logger.info("adapter.pt holds %.1f MB beside the default weights", self.path.stat().st_size / 1e6)
