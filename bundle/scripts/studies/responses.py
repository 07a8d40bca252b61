"""Where language looks: response maps against the true mask, and the boxes that come of them."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from ignite.engine import Engine
from monai.networks.utils import eval_mode
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from scripts.epochs import EpochHandler
from scripts.errors import BundleError
from scripts.networks.boxes import box_iou
from scripts.networks.candidate_boxes import CandidateBoxes
from scripts.writing.tables import write_study


def true_boxes(mask: Tensor) -> Tensor:
    """The box x1, y1, x2, y2 in pixels around each mask (B, 1, S, S), not empty, shape (B, 4)."""
    rows, columns = mask[:, 0].amax(dim=2), mask[:, 0].amax(dim=1)

    def ends(line: Tensor) -> tuple[Tensor, Tensor]:
        return line.argmax(dim=1), line.shape[1] - line.flip([1]).argmax(dim=1)

    (top, bottom), (left, right) = ends(rows), ends(columns)
    return torch.stack([left, top, right, bottom], dim=1).float()


def pointing_game(response: Tensor, mask: Tensor) -> Tensor:
    """Whether the map's peak lies in the mask (Zhang et al., 2018), shape (B), 0 or 1.

    Args:
        response: shape (B, 1, h, w).
        mask: 0 or 1, shape (B, 1, S, S).
    """
    width = response.shape[3]
    peak = response.flatten(1).argmax(dim=1)
    scale = mask.shape[-1] / width
    row = ((peak // width + 0.5) * scale).long()
    column = ((peak % width + 0.5) * scale).long()
    return mask[torch.arange(len(mask)), 0, row, column]


class ResponseReport(EpochHandler):
    """Pointing game, energy inside the mask, recall of the best of K boxes, and time, for several prompters.

    The time is that of image encoder and prompter together.

    Writes ``responses.json`` and ``responses.md``. Lesion images count; the prompters share the network's weights.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, weights loaded when the run starts.
        prompters: by name; each takes the parameters of the network's own.
        output_dir: where the files go.
        counts: numbers K of candidates; a box counts from IoU 0.5.
    """

    def __init__(
        self,
        network: nn.Module,
        prompters: Mapping[str, nn.Module],
        output_dir: str | Path,
        counts: Sequence[int] = (1, 3, 5, 8),
    ) -> None:
        self.network, self.prompters, self.output_dir, self.counts = network, prompters, output_dir, counts
        self.boxes: CandidateBoxes | None = None
        self.measured: dict[str, dict[str, list[Tensor]]] = {}
        self.seconds: dict[str, float] = {}

    def start(self, engine: Engine) -> None:
        """Give the prompters the network's weights."""
        self.boxes = copy.deepcopy(self.network.candidate_boxes).cpu()
        self.boxes.num_candidates = max(self.counts)
        for name, prompter in self.prompters.items():
            try:
                prompter.load_state_dict(self.network.semantic_prompter.state_dict())
            except RuntimeError as error:
                raise BundleError(
                    f'The prompter "{name}" has other sizes than the network\'s; give both the same options.'
                ) from error
            prompter.to(engine.state.device)
        self.measured = {name: {} for name in self.prompters}
        self.seconds = dict.fromkeys(self.prompters, 0.0)

    @torch.no_grad()
    def measure(self, engine: Engine) -> None:
        """Ask every prompter for the lesions of one batch."""
        image, mask = engine.state.output["image"], engine.state.output["label"]["mask"]
        lesion = mask.flatten(1).any(dim=1)
        image, mask = image[lesion], mask[lesion].cpu().float()
        if not len(mask):
            return
        for name, prompter in self.prompters.items():
            with eval_mode(self.network, prompter):
                if not self.measured[name]:
                    self.network.respond(image, prompter)  # warm up
                begin = time.perf_counter()
                response = self.network.respond(image, prompter).cpu()
            self.seconds[name] += time.perf_counter() - begin
            boxes, _, valid, _ = self.boxes(response, mask.shape[-1])
            overlap = box_iou(torch.cat([true_boxes(mask).unsqueeze(1), boxes], dim=1))[:, 0, 1:] * valid
            inside = adaptive_avg_pool2d(mask, response.shape[-2:])
            energy = (response * inside).sum(dim=(1, 2, 3)) / response.sum(dim=(1, 2, 3)).clamp(min=1e-6)
            figures = {"pointing game": pointing_game(response, mask), "energy inside": energy}
            figures |= {f"recall@{k}": (overlap[:, :k].amax(dim=1) >= 0.5).float() for k in self.counts}
            for figure, values in figures.items():
                self.measured[name].setdefault(figure, []).append(values)

    def finish(self, engine: Engine) -> None:
        """Write the table."""
        rows = []
        for name, figures in self.measured.items():
            row: dict[str, object] = {"response map": name}
            row |= {figure: torch.cat(values).mean().item() for figure, values in figures.items()}
            count = sum(len(values) for values in next(iter(figures.values()), []))
            row |= {"ms per image": 1000 * self.seconds[name] / max(count, 1), "lesion images": count}
            rows.append(row)
        write_study(self.output_dir, "responses", rows)
