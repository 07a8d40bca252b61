"""Ignite handlers that MONAI lacks: seeds per epoch, gradient clipping, moving average, losses by name."""

from __future__ import annotations

import logging
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from ignite.handlers import EMAHandler
from monai.data.utils import set_rnd
from monai.engines.utils import IterationEvents
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from scripts.epochs import EpochHandler

logger = logging.getLogger(__name__)


class EpochSeed:
    """Seeds every random number of an epoch by ``seed + epoch``, so that a resumed run draws what it would have drawn.

    Each process of several draws its own.

    Args:
        seed: the run's seed.
        dataset: whose MONAI transforms are random (matters without loader workers).
    """

    def __init__(self, seed: int, dataset: Any) -> None:
        self.seed, self.dataset = seed, dataset

    def attach(self, engine: Engine) -> None:
        """Seed at every start of an epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        seed = self.seed + engine.state.epoch + 1_000_003 * idist.get_rank()
        torch.manual_seed(seed)
        set_rnd(self.dataset, seed=seed)


class ClipGradients:
    """Clips the gradients' norm before each optimiser step.

    Args:
        network: whose parameters.
        max_norm: largest Euclidean norm of all gradients together.
    """

    def __init__(self, network: nn.Module, max_norm: float) -> None:
        self.network, self.max_norm = network, max_norm

    def attach(self, engine: Engine) -> None:
        """Clip after every backward pass."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        if engine.amp:
            engine.scaler.unscale_(engine.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)


class MovingAverage(EMAHandler):
    """Ignite's moving average of the weights, which begins with those that training begins with.

    A CheckpointLoader fills the network when the engine starts, after the average was made; without this, random
    weights would stay in the average of a short training. Arguments are those of ``EMAHandler``.
    """

    def attach(self, engine: Engine, *args: Any, **kwargs: Any) -> None:
        """Average after every iteration."""
        engine.add_event_handler(Events.STARTED, self.begin)
        super().attach(engine, *args, **kwargs)

    def begin(self, engine: Engine) -> None:
        """Take over the network as it is, unless a resumed training goes on with its own average."""
        if engine.state.iteration == 0:
            self.ema_model.load_state_dict(self.model.state_dict())


def defined_above(handler: Any) -> Any:
    """A handler that a config defines under its own name, as a dict in its list of handlers.

    MONAI Label reads that list as dicts and puts its own handler first, so that handlers have no fixed position.
    """
    return handler


class FreezeNorms:
    """Keeps the batch normalisation of a trained network as it is, for training on with a few images.

    Args:
        network: whose normalisations use, and do not update, their running statistics.
        active: otherwise this does nothing.
    """

    def __init__(self, network: nn.Module, active: bool = True) -> None:
        self.network, self.active = network, active

    def attach(self, engine: Engine) -> None:
        """Freeze; engines call ``network.train()`` before each iteration, hence a hook on each module."""
        for module in self.network.modules():
            if self.active and isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.register_forward_pre_hook(_stay_in_evaluation)


def _stay_in_evaluation(module: nn.Module, inputs: Any) -> None:
    module.eval()


class LossTerms(EpochHandler):
    """Writes the epoch's mean of each loss term, and the learning rate, to TensorBoard.

    The means, over all processes, are kept in ``engine.state.metrics``; the first process writes.

    Args:
        loss: a loss with ``terms``, the last value of each by name.
        log_dir: TensorBoard's folder.
    """

    def __init__(self, loss: nn.Module, log_dir: str) -> None:
        self.loss, self.log_dir = loss, log_dir
        self.sums: dict[str, float] = {}
        self.count = 0
        self.writer: SummaryWriter | None = None

    def start(self, engine: Engine) -> None:
        """Begin to sum."""
        self.sums, self.count = {}, 0

    def measure(self, engine: Engine) -> None:
        """Take the last iteration's terms."""
        self.count += 1
        for name, value in self.loss.terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())

    def finish(self, engine: Any) -> None:
        """Write the means."""
        processes = idist.get_world_size()
        means = {name: idist.all_reduce(value / self.count) / processes for name, value in self.sums.items()}
        engine.state.metrics.update({f"train_{name}": value for name, value in means.items()})
        if idist.get_rank() > 0:
            return
        self.writer = self.writer or SummaryWriter(self.log_dir)
        for name, value in means.items():
            self.writer.add_scalar(f"train_loss/{name}", value, engine.state.epoch)
        self.writer.add_scalar("learning_rate", engine.optimizer.param_groups[0]["lr"], engine.state.epoch)
        self.writer.flush()
        listed = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        logger.info("epoch %d: %s", engine.state.epoch, listed)
