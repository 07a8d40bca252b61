"""The newest state of a training, and how it goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from scripts.errors import BundleError

from .handlers import logger


class ResumableCheckpoint:
    """Keeps the newest state of everything that trains, and continues from it at the epoch boundary.

    Args:
        save_dir: folder of ``last.pt``.
        objects: what has a ``state_dict``: network, ema, optimizer, scheduler ...
        resume: continue from ``last.pt``?

    Raises:
        BundleError: at attach, if ``resume`` and there is no ``last.pt`` or it belongs to another network.
    """

    FILE = "last.pt"

    def __init__(self, save_dir: str, objects: dict[str, Any], resume: bool = False) -> None:
        self.path = Path(save_dir) / self.FILE
        self.objects, self.resume = objects, resume

    def attach(self, engine: Engine) -> None:
        """Load now if resuming; save after every epoch."""
        if self.resume:
            self.load(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def load(self, engine: Engine) -> None:
        """Continue from ``last.pt``."""
        if not self.path.is_file():
            raise BundleError(
                f'There is no checkpoint "{self.path}" to resume; leave out --resume or check --output_dir.'
            )
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        epochs = engine.state.max_epochs
        try:
            for name, item in self.objects.items():
                item.load_state_dict(state[name])
            engine.load_state_dict(state["trainer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise BundleError(
                f'The checkpoint "{self.path}" belongs to another network or configuration; '
                "resume with the options it was started with, or choose another --output_dir."
            ) from error
        # A longer schedule may be asked for than the one that was interrupted.
        engine.state.max_epochs = epochs
        logger.info("resumed after epoch %d", engine.state.epoch)

    def save(self, engine: Engine) -> None:
        """Write ``last.pt``, from the first process; an interrupted write leaves the older one."""
        if idist.get_rank() > 0:
            return
        state = {name: item.state_dict() for name, item in self.objects.items()}
        state["trainer"] = engine.state_dict()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.path)


def run_unless_finished(trainer: Engine) -> None:
    """Train, unless a resumed training has done all its epochs: an Ignite engine would begin anew with the first.

    Args:
        trainer: an engine with ``max_epochs``, resumed by :class:`ResumableCheckpoint` or not.
    """
    if trainer.state.epoch and trainer.state.epoch >= trainer.state.max_epochs:
        logger.info("finished already, after epoch %d; more --epochs train on", trainer.state.epoch)
        return
    trainer.run()
