"""Does reliability mean anything? Candidates and their weights against the truth."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from ignite.engine import Engine
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.functional import interpolate

from scripts.epochs import EpochHandler
from scripts.errors import BundleError
from scripts.networks.boxes import box_iou
from scripts.networks.reliability import MODES, fuse_candidates
from scripts.writing.tables import write_study

#: What a candidate is judged by; each is compared with the true IoU of its mask.
JUDGEMENTS = ("scores", "semantic", "consistency", "weights")


def hard_overlap(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Dice and IoU of masks (..., H, W), logits, with the truth (..., H, W), 0 or 1, not empty."""
    predicted = (logits > 0).to(mask.dtype)
    common = (predicted * mask).sum(dim=(-2, -1))
    total = predicted.sum(dim=(-2, -1)) + mask.sum(dim=(-2, -1))
    return 2 * common / total, common / (total - common)


class CandidateReport(EpochHandler):
    """Dice of the fused mask in every mode beside the first, mean and best candidate; rank correlations; diversity.

    All of these are masks at S/4; the last row is the network's own mask, refined at S/2.

    Writes ``candidates.json`` and ``candidates.md`` (Dice, gate off, on the network's grid, of all lesion images and
    of the third with the smallest lesions) and ``reliability.json`` and ``reliability.md`` (rank correlation of each
    judgement with the true IoU of the candidate, over all images together; how often the heaviest candidate of an image
    is its best; how far candidates differ).

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        output_dir: where the files go.
    """

    def __init__(self, network: nn.Module, output_dir: str | Path) -> None:
        self.network, self.output_dir = network, output_dir
        self.dice: dict[str, list[Tensor]] = {}
        self.areas: list[Tensor] = []
        self.judged: dict[str, list[Tensor]] = {}
        self.overlaps: list[Tensor] = []
        self.numbers: list[Tensor] = []
        self.hits: list[Tensor] = []
        self.chances: list[Tensor] = []

    def start(self, engine: Engine) -> None:
        """Forget an earlier run."""
        self.dice, self.judged = {}, {}
        self.areas, self.overlaps, self.numbers, self.hits, self.chances = [], [], [], [], []

    @torch.no_grad()
    def measure(self, engine: Engine) -> None:
        """Measure the lesion images of one batch."""
        pred, mask = engine.state.output["pred"], engine.state.output["label"]["mask"].float()
        lesion = mask.flatten(1).any(dim=1)
        if not bool(lesion.any()):
            return
        pred = {name: values[lesion].float() for name, values in pred.items()}
        mask = mask[lesion]
        size, valid = list(mask.shape[-2:]), pred["valid"]

        def grow(logits: Tensor) -> Tensor:
            return interpolate(logits, size=size, mode="bilinear", align_corners=False)

        dice, iou = hard_overlap(grow(pred["candidate_masks"]), mask)
        rows = {
            "first candidate": dice[:, 0],
            "mean candidate": (dice * valid).sum(dim=1) / valid.sum(dim=1),
            "best candidate": (dice * valid).amax(dim=1),
        }
        reliability = copy.copy(self.network.reliability)
        for reliability.mode in MODES:
            weights = reliability(pred["scores"], pred["semantic"], pred["consistency"], valid)
            fused = grow(fuse_candidates(pred["candidate_masks"], weights).unsqueeze(1))
            rows[f"fused, {reliability.mode}"] = hard_overlap(fused, mask)[0][:, 0]
        rows["the network's own, refined"] = hard_overlap(pred["mask_logits"], mask)[0][:, 0]
        for name, values in rows.items():
            self.dice.setdefault(name, []).append(values.cpu())
        self.areas.append(mask.mean(dim=(1, 2, 3)).cpu())

        use = valid > 0.5
        for name in JUDGEMENTS:
            self.judged.setdefault(name, []).append(pred[name][use].cpu())
        self.judged.setdefault("iou", []).append(iou[use].cpu())
        pairs = box_iou(pred["boxes"])
        judged_best = pred["weights"].argmax(dim=1) == (iou * valid).argmax(dim=1)
        both = torch.triu(valid.unsqueeze(1) * valid.unsqueeze(2), diagonal=1)
        several = both.sum(dim=(1, 2)) > 0
        self.hits.append(judged_best[several].float().cpu())
        self.chances.append((1.0 / valid.sum(dim=1))[several].cpu())
        self.overlaps.append(((pairs * both).sum(dim=(1, 2)) / both.sum(dim=(1, 2)).clamp(min=1))[several].cpu())
        self.numbers.append((1.0 / pred["weights"].pow(2).sum(dim=1)).cpu())

    def finish(self, engine: Engine) -> None:
        """Write both tables."""
        if not self.areas:
            raise BundleError("The list has no image with a lesion; candidates can only be judged on lesions.")
        areas = torch.cat(self.areas)
        small = areas <= areas.quantile(1 / 3)
        rows = []
        for name, parts in self.dice.items():
            values = torch.cat(parts)
            rows.append({"mask": name, "Dice": values.mean().item(), "smallest third": values[small].mean().item()})
        write_study(self.output_dir, "candidates", rows)

        iou = torch.cat(self.judged.pop("iou"))
        figures = [
            {"figure": f"rank correlation with true IoU: {name}", "value": float(spearmanr(torch.cat(parts), iou)[0])}
            for name, parts in self.judged.items()
        ]
        overlaps = torch.cat(self.overlaps)
        figures += [
            {"figure": "of several candidates, the heaviest is the best", "value": torch.cat(self.hits).mean().item()},
            {"figure": "the same by chance", "value": torch.cat(self.chances).mean().item()},
            {"figure": "median over images of the boxes' mean pairwise IoU", "value": overlaps.median().item()},
            {"figure": "images with more than one candidate", "value": len(overlaps) / len(areas)},
            {"figure": "effective number of candidates, mean", "value": torch.cat(self.numbers).mean().item()},
        ]
        write_study(self.output_dir, "reliability", figures)
