"""What the words of the prompt do: the same network asked otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor, nn

from scripts.epochs import EpochHandler
from scripts.errors import BundleError
from scripts.writing.tables import write_study

from .candidates import hard_overlap


class PromptSwapReport(EpochHandler):
    """Dice and probability of the positive class under other prompts, against the network's own.

    Writes ``prompts.json`` and ``prompts.md``: for each kind of prompt, over its texts and all lesion images, the
    Dice of the mask behind the evidence gate (on the network's grid), lesions found, and how far the probability moves.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        text_tower: the tower that its prompt was embedded with.
        swaps: texts by kind; none writes no table.
        prompt: the network's own.
        output_dir: where the files go.
        positive: number of the positive class.
    """

    def __init__(
        self,
        network: nn.Module,
        text_tower: nn.Module,
        swaps: Mapping[str, Sequence[str]],
        prompt: str,
        output_dir: str | Path,
        positive: int = 1,
    ) -> None:
        self.network, self.text_tower, self.swaps = network, text_tower, swaps
        self.prompt, self.output_dir, self.positive = prompt, output_dir, positive
        self.measured: dict[str, dict[str, list[Tensor]]] = {}

    def start(self, engine: Engine) -> None:
        """Forget an earlier run.

        Raises:
            BundleError: the tower is not that of the network's prompt.
        """
        self.measured = {}
        if self.swaps:
            self.text_tower.to(engine.state.device).eval()
            own = self.text_tower([self.prompt])[0]
            if torch.cosine_similarity(own, self.network.prompt_embedding, dim=0) < 0.99:
                raise BundleError(
                    "The text tower is not the one that the network's prompt was embedded with; "
                    "give --text_tower_weights that belong to the weights."
                )

    @torch.no_grad()
    def measure(self, engine: Engine) -> None:
        """Ask for the lesions of one batch in every way."""
        image, mask = engine.state.output["image"], engine.state.output["label"]["mask"].float()
        lesion = mask.flatten(1).any(dim=1)
        if not bool(lesion.any()):
            return
        image, mask = image[lesion], mask[lesion]
        own = self._probability(engine.state.output["pred"]["diagnosis_logits"][lesion])
        for kind, texts in self.swaps.items():
            for embedding in self.text_tower(texts):
                # Outside its iteration the engine puts the network back into training mode.
                with eval_mode(self.network):
                    pred = self.network.forward_named(image, embedding.expand(len(image), -1))
                figures = {
                    "Dice": hard_overlap(pred["gated_mask_logits"], mask)[0][:, 0],
                    "Dice, gate off": hard_overlap(pred["mask_logits"], mask)[0][:, 0],
                    "lesions found": (pred["lesion_logit"] > 0).float()[:, 0],
                    "probability moves by": (self._probability(pred["diagnosis_logits"]) - own).abs(),
                    "similarity to the fixed prompt": torch.cosine_similarity(
                        embedding, self.network.prompt_embedding, dim=0
                    ).expand(len(image)),
                }
                for figure, values in figures.items():
                    self.measured.setdefault(kind, {}).setdefault(figure, []).append(values.cpu())

    def finish(self, engine: Engine) -> None:
        """Write the table."""
        rows = []
        for kind, figures in self.measured.items():
            row: dict[str, object] = {"prompt": kind, "texts": len(self.swaps[kind])}
            rows.append(row | {figure: torch.cat(values).mean().item() for figure, values in figures.items()})
        if rows:
            write_study(self.output_dir, "prompts", rows)

    def _probability(self, logits: Tensor) -> Tensor:
        """Of the positive class, shape (B); 0 where there are no classes."""
        if not logits.shape[1]:
            return logits.new_zeros(len(logits))
        return torch.softmax(logits, dim=1)[:, self.positive]
