"""LiteMedSAM in the true box and in our candidates, beside our own masks: a peer that is told where to look.

    python benchmarks/litemedsam.py --dataset_dir "['BUS-BRA','BUS-UCLM','BUSI']" --images 40 --output_dir OUT

LiteMedSAM has learned from every lesion of BUSI with its mask: its figures there are not held out. Of each set every
nth lesion image of the list is measured, n the smallest that leaves no more than ``--images``. The true box holds all
lesions of an image; candidates and their weights are those of ``--weights``. Images are resized and padded as
LiteMedSAM's authors do, and masks compared at each image's own size. Writes ``cases.csv``, ``litemedsam.md`` and
``litemedsam.json``; images that are in ``cases.csv`` already are not measured again. ``--seconds`` ends a run early,
the next one goes on.
"""

from __future__ import annotations

import argparse
import ast
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE, CLASSES, dataset_folders
from monai.bundle import ConfigParser
from monai.transforms import Compose, Resize, ResizeWithPadOrCrop
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.data import EnsureThreeChannelsd, LoadMaskUniond, LoadUltrasoundd, load_datalist
from scripts.findings.candidates import boxes_in_file
from scripts.networks import load_litemedsam
from scripts.networks.boxes import box_masks
from scripts.networks.encoders.blocks import standardize
from scripts.networks.reliability import fuse_candidates
from scripts.writing.tables import write_study

#: Sizes of the two networks' inputs.
OURS, THEIRS = 160, 256
#: Columns of the table, and the columns of ``cases.csv`` that they are means of.
COLUMNS = {
    "LiteMedSAM, true box": "true", "LiteMedSAM, our heaviest": "heaviest", "LiteMedSAM, our best": "best",
    "LiteMedSAM, our weights": "fused", "ours, heaviest": "own_heaviest", "ours, best": "own_best",
    "ours, fused": "own_fused",
}  # fmt: skip


def network_of(*configs: str, **settings: Any) -> nn.Module:
    """The untrained network of some configs."""
    parser = ConfigParser()
    parser.read_config([str(BUNDLE / "configs" / f"{name}.json") for name in configs])
    for name, value in {"bundle_root": str(BUNDLE), "device": torch.device("cpu"), **settings}.items():
        parser[name] = value
    return parser.get_parsed_content(settings.get("take", "network_def")).eval()


def dice(mask: Tensor, true: Tensor) -> float:
    """Of two masks (H, W), one of them not empty."""
    return float(2 * (mask & true).sum() / (mask.sum() + true.sum()))


def on_file(logits: Tensor, corner: tuple[int, int], sides: tuple[int, int], shape: torch.Size) -> Tensor:
    """Mask logits (K, S, S), of which a part shows the image -> masks (K, H, W)."""
    shown = logits[:, corner[0] : corner[0] + sides[0], corner[1] : corner[1] + sides[1]]
    return F.interpolate(shown[None], size=list(shape), mode="bilinear", align_corners=False)[0] > 0


class Comparison:
    """Both networks on one image after the other."""

    def __init__(self, weights: str, checkpoint: str, centered: bool) -> None:
        self.ours = network_of("inference", weights=weights, take="network")
        self.theirs = load_litemedsam(network_of("inference", "litemedsam"), checkpoint)
        self.theirs = self.theirs.to(memory_format=torch.channels_last)
        self.centered = centered
        self.load = Compose(
            [LoadUltrasoundd("image"), LoadMaskUniond("label", absent=CLASSES.absent), EnsureThreeChannelsd("image")]
        )

    @torch.inference_mode()
    def measure(self, item: dict[str, Any]) -> dict[str, float]:
        """Dice and processor time of one image with a lesion."""
        loaded = self.load(dict(item))
        image, true = loaded["image"], loaded["label"].as_tensor()[0] > 0
        shape = true.shape
        told = self.ours.forward_named(self._fit(image, OURS, "symmetric"))
        boxes = torch.tensor(boxes_in_file(told["boxes"][0], (0, 0, *shape), OURS))
        valid, weights = told["valid"][0] > 0.5, told["weights"]
        rows, columns = true.any(dim=1).nonzero()[:, 0], true.any(dim=0).nonzero()[:, 0]
        tight = torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]).float()

        sides, corner = self._sides(shape, THEIRS), (0, 0)
        if self.centered:
            corner = tuple((THEIRS - side) // 2 for side in sides)
        asked = torch.cat([tight[None], boxes]) * (THEIRS / max(shape))
        asked += torch.tensor([corner[1], corner[0]] * 2)
        padded = self._fit(image, THEIRS, "symmetric" if self.centered else "end")
        logits, seconds = self._segment(padded, asked)
        masks = on_file(logits, corner, sides, shape)
        fused = on_file(fuse_candidates(logits[None, 1:], weights), corner, sides, shape)

        inner = self._sides(shape, OURS)
        corner = tuple((OURS - side) // 2 for side in inner)

        def own(values: Tensor) -> Tensor:
            whole = F.interpolate(values, size=[OURS, OURS], mode="bilinear", align_corners=False)
            return on_file(whole[0], corner, inner, shape)

        drawn = own(told["candidate_masks"])
        heaviest = int(weights[0].argmax())
        return {
            "true": dice(masks[0], true),
            "heaviest": dice(masks[1 + heaviest], true),
            "best": max(dice(mask, true) for mask in masks[1:][valid]),
            "fused": dice(fused[0], true),
            "own_heaviest": dice(drawn[heaviest], true),
            "own_best": max(dice(mask, true) for mask in drawn[valid]),
            "own_fused": dice(own(told["mask_logits"])[0], true),
            **seconds,
        }

    def _fit(self, image: Tensor, size: int, padding: str) -> Tensor:
        """An image with its longest side resized and the rest padded, as a batch (1, 3, S, S)."""
        resize = Resize(size, size_mode="longest", mode="bilinear", anti_aliasing=True)
        return ResizeWithPadOrCrop((size, size), method=padding)(resize(image)).as_tensor()[None]

    @staticmethod
    def _sides(shape: torch.Size, size: int) -> tuple[int, int]:
        return tuple(round(side * size / max(shape)) for side in shape)

    def _segment(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, dict[str, float]]:
        """LiteMedSAM's mask logits (K, S, S) in boxes (K, 4), and processor seconds of the encoder and of each box."""
        net, start = self.theirs, time.process_time()
        embedding, skip8, skip4, _ = net.image_encoder(standardize(image))
        encoded = time.process_time()
        position = net.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])
        prompts = net.prompt_encoder(boxes, box_masks(boxes[None], THEIRS, 4 * embedding.shape[2]), (THEIRS, THEIRS))
        logits = net.mask_decoder(embedding, position, *prompts, (skip8, skip4))[0][0]
        done = time.process_time()
        return logits, {"encoder_seconds": encoded - start, "box_seconds": (done - encoded) / len(boxes)}


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means by set."""
    made = []
    for name in dict.fromkeys(row["set"] for row in rows):
        cases = [row for row in rows if row["set"] == name]
        values = {key: np.array([float(row[key]) for row in cases]) for key in cases[0] if key not in ("set", "image")}
        made.append({"set": name, "": "Dice", "images": len(cases)})
        made[-1] |= {column: values[key].mean() for column, key in COLUMNS.items()}
        made.append({"set": name, "": "share below Dice 0.1", "images": len(cases)})
        made[-1] |= {column: (values[key] < 0.1).mean() for column, key in COLUMNS.items()}
        for part in ("encoder", "box"):
            median = 1000 * np.median(values[f"{part}_seconds"])
            print(f"{name}: {median:.0f} ms of processor time a {part} (median)")
    return made


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="a folder, or a list of folders")
    parser.add_argument("--section", default="validation")
    parser.add_argument("--weights", default=str(BUNDLE / "models" / "model.pt"), help="of our network")
    parser.add_argument("--checkpoint", default="litemedsam", help="lite_medsam.pth; default: that of its package")
    parser.add_argument("--images", type=int, default=0, help="at most so many of each set; 0: all")
    parser.add_argument("--centered", action="store_true", help="pad on all sides, as our configuration does")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    start = time.monotonic()
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    path = arguments.output_dir / "cases.csv"
    rows = list(csv.DictReader(path.open())) if path.exists() else []
    comparison = Comparison(arguments.weights, arguments.checkpoint, arguments.centered)
    for folder in ast.literal_eval(dataset_folders(arguments.dataset_dir)):
        name = Path(folder).name
        items = load_datalist(folder, arguments.section, CLASSES)
        items = [item for item in items if item["diagnosis"] in CLASSES.names]
        step = -(-len(items) // arguments.images) if arguments.images else 1
        done = {row["image"] for row in rows if row["set"] == name}
        for item in items[::step]:
            image = str(Path(item["image"]).relative_to(folder))
            if image in done or time.monotonic() - start > arguments.seconds:
                continue
            rows.append({"set": name, "image": image, **comparison.measure(item)})
            with path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(rows[-1]))
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow(rows[-1])
    if rows:
        write_study(arguments.output_dir, "litemedsam", table(rows))
        print((arguments.output_dir / "litemedsam.md").read_text())


if __name__ == "__main__":
    main()
