"""A handler that collects over an epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ignite.engine import Engine, Events


class EpochHandler(ABC):
    """Begins anew with each epoch, takes of every iteration what it needs, and ends with the epoch."""

    def attach(self, engine: Engine) -> None:
        """Follow an engine."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.measure)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish)

    @abstractmethod
    def start(self, engine: Engine) -> None:
        """Forget an earlier epoch."""

    @abstractmethod
    def measure(self, engine: Engine) -> None:
        """Take what an iteration shows."""

    @abstractmethod
    def finish(self, engine: Engine) -> None:
        """Sum up, or write."""
