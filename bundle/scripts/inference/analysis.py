"""The way from work items to findings, ready to be taken again and again, here or in another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Analysis:
    """A data set, loader and evaluator whose items are named later.

    Attributes:
        dataset: makes a data set of ``data``; its ``transform`` loads an item.
        dataloader: makes a loader of a ``dataset``.
        evaluator: makes an evaluator of a ``val_data_loader``; it has the network, postprocessing and handlers.
    """

    dataset: partial[Any]
    dataloader: partial[Any]
    evaluator: partial[Any]

    @property
    def load(self) -> Callable[[Item], Item]:
        """What loads one item for the network."""
        return self.dataset.keywords["transform"]

    def run(self, items: Sequence[Item], *handlers: Any, load: Callable[[Item], Item] | None = None) -> None:
        """Analyse items.

        Args:
            items: of ``status`` ok.
            handlers: get the outputs, beside those that the evaluator has.
            load: instead of :attr:`load`.
        """
        dataset = self.dataset(data=list(items), transform=load or self.load)
        own = self.evaluator.keywords["val_handlers"]
        engine = self.evaluator(val_data_loader=self.dataloader(dataset=dataset), val_handlers=[*own, *handlers])
        engine.run()
        # An engine is a circle of references: its last images would wait for the garbage collector, and memory rise.
        engine.state.batch = engine.state.output = None

    def on(self, device: torch.device) -> Analysis:
        """The same on another device; the network is moved there."""
        network = self.evaluator.keywords["network"].to(device)
        return Analysis(self.dataset, self.dataloader, partial(self.evaluator, device=device, network=network))
