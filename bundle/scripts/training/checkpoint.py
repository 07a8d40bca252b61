"""The newest state of a training, and how it goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from scripts.errors import BundleError
from scripts.networks.checkpoints import explain_mismatch

from .handlers import logger


class ResumableCheckpoint:
    """Keeps the newest state of everything that trains, and continues from it at the epoch boundary.

    Weights, averages, moments and the count of epochs are restored; learning rate, schedule, weight decay and all else
    are those of the configuration, as if it had been so from the start.

    Args:
        save_dir: folder of ``last.pt``.
        objects: what has a ``state_dict``: network, ema, optimizer, lr_scheduler.
        resume: continue from ``last.pt``?
        items: the data list, which cannot be another one on resuming; None does not compare it.

    Raises:
        BundleError: at attach, if ``resume`` and there is no ``last.pt``, or it is of another network or data list.
    """

    FILE = "last.pt"

    def __init__(
        self,
        save_dir: str,
        objects: dict[str, Any],
        resume: bool = False,
        items: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.path = Path(save_dir) / self.FILE
        self.objects, self.resume = objects, resume
        self.data = None if items is None else {"images": len(items), "digest": list_digest(items)}

    def attach(self, engine: Engine) -> None:
        """Load now if resuming; save after every epoch."""
        if self.resume:
            self.load(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def load(self, engine: Engine) -> None:
        """Continue from ``last.pt``."""
        state = self._read()
        self._refuse_other_data(state.get("data"))
        networks = {name: item for name, item in self.objects.items() if isinstance(item, nn.Module)}
        for name, network in networks.items():
            self._refuse_other_network(explain_mismatch(network.state_dict(), state.get(name, {})))
            network.load_state_dict(state[name])
        # The iterations of an epoch are those of today's batch size; a checkpoint is always of an epoch's end.
        done = int(state["trainer"]["iteration"]) // int(state["trainer"]["epoch_length"])
        epochs, length = engine.state.max_epochs, engine.state.epoch_length
        engine.load_state_dict({"epoch": done, "epoch_length": length, "max_epochs": max(epochs, done)})
        engine.state.max_epochs = epochs
        optimizers = {name: item for name, item in self.objects.items() if isinstance(item, Optimizer)}
        for name, optimizer in optimizers.items():
            try:
                _restore_moments(optimizer, state[name])
            except (KeyError, ValueError):
                self._refuse_other_network("other parameters of it learn")
        for item in self.objects.values():
            if isinstance(item, LambdaLR):
                _move_schedule(item, done * length)
        rates = ", ".join(
            f"learning rate {group['lr']:.3g}, weight decay {group.get('weight_decay', 0):.3g}"
            for optimizer in optimizers.values()
            for group in optimizer.param_groups
        )
        logger.info("resumed after epoch %d of %d: %s", done, epochs, rates)

    def save(self, engine: Engine) -> None:
        """Write ``last.pt``, from the first process; an interrupted write leaves the older one."""
        if idist.get_rank() > 0:
            return
        state = {name: item.state_dict() for name, item in self.objects.items()}
        state["trainer"] = engine.state_dict()
        if self.data is not None:
            state["data"] = self.data
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.path)

    def _read(self) -> dict[str, Any]:
        if not self.path.is_file():
            raise BundleError(
                f'There is no checkpoint "{self.path}" to resume; leave out --resume or check --output_dir.'
            )
        try:
            return dict(torch.load(self.path, map_location="cpu", weights_only=True))
        except Exception as error:  # torch names a dozen kinds of broken files
            raise BundleError(
                f'The checkpoint "{self.path}" cannot be read; leave out --resume to start anew.'
            ) from error

    def _refuse_other_data(self, old: Mapping[str, Any] | None) -> None:
        """A checkpoint from before lists were noted has none to compare."""
        if old is None or self.data is None or old == self.data:
            return
        raise BundleError(
            f'The checkpoint "{self.path}" was trained on another data list ({old["images"]} images, here '
            f'{self.data["images"]}); resume with the same list, sections and fold, or choose another --output_dir and '
            "start from the weights with --init_weights."
        )

    def _refuse_other_network(self, why: str) -> None:
        if why:
            raise BundleError(
                f'The checkpoint "{self.path}" is of another network: {why}. Resume with the network it was started '
                "with, or choose another --output_dir."
            )


class LastWeights:
    """Writes ``model.pt`` at the end of a training that has no images to validate with, where no epoch is the best.

    Args:
        network: whose weights, usually the moving average.
        save_dir: folder of ``model.pt``.
    """

    def __init__(self, network: nn.Module, save_dir: str) -> None:
        self.network, self.path = network, Path(save_dir) / "model.pt"

    def attach(self, engine: Engine) -> None:
        """Write when the training is over; the first process does."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        if idist.get_rank() > 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.network.state_dict(), self.path)
        logger.info("no images to validate with: model.pt holds the average weights after epoch %d", engine.state.epoch)


def list_digest(items: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of a data list, hexadecimal; it may lie in another folder, in the same order.

    Args:
        items: with ``image``, ``label`` and what else is known, of which ``group`` and ``diagnosis`` count.
    """
    said = [
        [_names(item.get("image")), _names(item.get("label")), item.get("group"), item.get("diagnosis")]
        for item in items
    ]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


def _names(paths: Any) -> list[str]:
    return [Path(str(path)).name for path in (paths if isinstance(paths, (list, tuple)) else [paths])]


def _restore_moments(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """An optimizer's moments from a checkpoint; rates, decay and betas stay those of the configuration."""
    configured = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, values in zip(optimizer.param_groups, configured, strict=True):
        group.update(values)


def _move_schedule(scheduler: LambdaLR, steps: int) -> None:
    """Where a schedule is after so many steps."""
    scheduler.last_epoch, scheduler._step_count = steps, steps + 1
    rates = scheduler.get_lr()
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates


def run_unless_finished(trainer: Engine) -> None:
    """Train, unless a resumed training has done all its epochs: an Ignite engine would begin anew with the first.

    Args:
        trainer: an engine with ``max_epochs``, resumed by :class:`ResumableCheckpoint` or not.
    """
    if trainer.state.epoch and trainer.state.epoch >= trainer.state.max_epochs:
        logger.info("finished already, after epoch %d; more --epochs train on", trainer.state.epoch)
        return
    trainer.run()
