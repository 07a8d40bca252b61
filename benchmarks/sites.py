r"""The table of ``sites.md``: each site's adapter beside the untouched default and a U-Net of the same list and budget.

    python benchmarks/sites.py --output_dir out/sites \
        --lists "{'polyp_colonoscopy': 'KVASIR', 'skin_dermoscopy': 'PH2', 'thyroid_ultrasound': 'DDTI'}"

Trains and evaluates what is missing, one run after the other; minutes a site on one core. The adapters lie in
``out/sites/<site>/adapter/adapter.pt``. ``benchmarks/forgetting.py`` makes the table of forgetting,
``benchmarks/asked.py`` that of other questions.
"""

from __future__ import annotations

import argparse
import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from bundle_runs import BUNDLE, check_settings, run
from monai.bundle import ConfigParser
from PIL import Image
from subgroups import with_interval
from torch import nn

from scripts.data import load_datalist
from scripts.data.mask_files import read_mask
from scripts.evaluation.cases import CaseTable
from scripts.networks import load_default, save_adapter, weights_digest
from scripts.sites import Site, load_site
from scripts.writing.tables import write_study

ADAPTER = ("train", "adapter", "disk_cache")
UNET = ("train", "peers/peer", "peers/unet", "disk_cache")
#: Side of the grid on which masks are averaged.
GRID = 128


@dataclass(frozen=True)
class Bench:
    """One site: its data list, the default weights, where its runs go, and what training may cost."""

    name: str
    folder: Path
    weights: Path
    out: Path
    drawn_images: int
    seed: str

    @cached_property
    def site(self) -> Site:
        """What ``configs/sites`` says of it."""
        return load_site(self.name, BUNDLE)

    @property
    def common(self) -> dict[str, object]:
        """Options of every run."""
        return {"site": self.name, "dataset_dir": self.folder, "seed": self.seed}

    def items(self, section: str) -> list[dict]:
        """A section of the data list."""
        return load_datalist(self.folder, section, self.site.classes)

    def train_adapter(self, out: Path | None = None, **options: object) -> Path:
        """The site's adapter, or the whole network with ``rank=0``."""
        out = out or self.out / "adapter"
        options = {"drawn_images": self.drawn_images, "cache_dir": self.out / "cache", **options}
        options = {**self.common, "weights": self.weights, "validate#dataset#cache_num": 0, **options}
        run("training", ADAPTER, {**options, "val_interval": 1000}, out)
        return out / "adapter.pt"

    def train_unet(self) -> Path:
        """A U-Net of the same list, size and number of drawn images; its learning rate suits it."""
        epochs = max(round(self.drawn_images / len(self.items("training"))), 1)
        options = {"epochs": epochs, "warmup_epochs": 0.05 * epochs, "learning_rate": 0.002, "ema_momentum": 0.02}
        options |= {"image_size": 128, "cache_dir": self.out / "cache_unet", "validate#dataset#cache_num": 0}
        run("training", UNET, {**self.common, **options, "val_interval": 1000}, self.out / "unet")
        return self.out / "unet" / "last.pt"

    def untouched(self) -> Path:
        """An adapter that changes nothing: the default weights, with new heads where theirs do not fit the site."""
        path = self.out / "untouched.pt"
        return path if path.exists() else save_adapter(self.network(), self.weights, self.name, path)

    def network(self) -> nn.Module:
        """The site's network with the default weights."""
        parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
        parser.update({"bundle_root": str(BUNDLE), "site": self.name})
        return load_default(parser.get_parsed_content("network_def"), self.weights)

    def evaluate(self, called: str, **options: object) -> CaseTable:
        """The cases of the validation section under weights or an adapter."""
        overlays = ("train", "peers/peer", "peers/unet", "evaluate") if called == "unet" else ("train", "evaluate")
        run("evaluation", overlays, {**self.common, "weights": self.weights, **options}, self.out / f"cases_{called}")
        return CaseTable.read(self.out / f"cases_{called}" / "cases.csv", self.site.classes)

    def mean_shape(self) -> float:
        """Dice of one fixed mask on the validation section: where most training lesions are, on a common grid."""
        grids = [_resize(_union(item), (GRID, GRID)) for item in self.items("training")]
        fixed = np.mean(grids, axis=0)
        scores = []
        for item in self.items("validation"):
            mask = _union(item)
            guess = _resize(fixed, mask.shape) >= 0.5
            scores.append(2 * (guess & mask).sum() / max(guess.sum() + mask.sum(), 1))
        return float(np.mean(scores))


def _union(item: dict) -> np.ndarray:
    return np.any([read_mask(path) for path in item["label"]], axis=0)


def _resize(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    picture = Image.fromarray(np.asarray(mask, np.float32), mode="F")
    return np.asarray(picture.resize(shape[::-1], Image.Resampling.BILINEAR))


def site_rows(bench: Bench) -> list[dict[str, object]]:
    """The rows of one site."""
    visual = {"diagnosis_branches": "visual"} if bench.site.classes.names else {}
    tables = {
        "default, untouched": bench.evaluate("untouched", adapter=bench.untouched(), **visual),
        "adapter": bench.evaluate("adapter", adapter=bench.train_adapter()),
        "U-Net": bench.evaluate("unet", weights=bench.train_unet(), adapter="none", image_size=128),
    }
    rows = []
    for called, cases in tables.items():
        row = {"site": bench.name, "network": called, "Dice": with_interval(cases, "dice")}
        row["Dice, gate off"] = with_interval(cases, "dice_gate_off")
        row["AUC"] = with_interval(cases, "auc") if called != "U-Net" else None
        rows.append(row)
    shape = {"site": bench.name, "network": "one fixed mean shape", "Dice": f"{bench.mean_shape():.3f}"}
    return [*rows, {**shape, "Dice, gate off": None, "AUC": None}]


def benches(arguments: argparse.Namespace) -> list[Bench]:
    """One for each site that was named."""
    lists = {name: Path(folder).resolve() for name, folder in ast.literal_eval(arguments.lists).items()}
    out, weights = arguments.output_dir.resolve(), arguments.weights.resolve()
    budget = {"drawn_images": arguments.drawn_images, "seed": arguments.seed}
    check_settings({"lists": {n: str(f) for n, f in lists.items()}, "weights": weights_digest(weights), **budget}, out)
    return [Bench(name, folder, weights, out / name, **budget) for name, folder in lists.items()]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the tables of sites."""
    parser.add_argument("--lists", required=True, help="folders of data by site, as a Python dictionary")
    parser.add_argument("--weights", type=Path, default=BUNDLE / "models" / "model.pt", help="the default weights")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--drawn_images", type=int, default=1600, help="drawn by each training")
    parser.add_argument("--seed", default="1")


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    write_study(out, "sites", [row for bench in benches(arguments) for row in site_rows(bench)])
    print((out / "sites.md").read_text())


if __name__ == "__main__":
    main()
