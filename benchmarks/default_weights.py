"""The default weights and their calibration, from the data sets alone.

    python benchmarks/default_weights.py --dataset_dir "['BUSI','BUS-BRA','BUS-UCLM']" --output_dir out/weights

Trains on the training sections alone, in two steps: the compact encoder from random weights, with stage 1, on the first
``--compact_sets`` sets (``compact/4/last.pt``, ``compact/0/text_tower.pt``); then the pretrained encoder from ImageNet,
with the heads of the first, on all sets (``default/last.pt``). Temperatures and limits are fitted on the validation
sections, what images it knows on both (``calibrated/model.pt``). What the figures would be on other patients,
cross-fitting tells: fitted on one half of the validation groups, measured on the other (``cross_fitted/cases.csv``).
What is finished is not run again; a training that was interrupted resumes. Hours on a CPU.
"""

from __future__ import annotations

import argparse
import ast
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from bundle_runs import BLIND, CLASSES, check_settings, dataset_folders, run

from scripts.evaluation.cases import CaseTable
from scripts.networks import average_weights, weights_digest


@dataclass(frozen=True)
class Phase:
    """One run of a recipe: its id, config and options. Stage 2 starts from stage 1 and from the phase before it."""

    verb: str
    options: dict[str, object] = field(default_factory=dict)

    @property
    def configs(self) -> tuple[str, ...]:
        """Of which the run is."""
        return ("align", "compact") if self.verb == "alignment" else ("train", "disk_cache", "compact")


#: From 128 to 160 pixels is within the scales that training draws; a few epochs do not bridge the step to 256.
FINER = {"image_size": 160, "warmup_epochs": 0.2, "learning_rate": 0.0003, **BLIND}
#: Every image once an epoch.
ALIKE = {"set_balance": 0, "normal_draws": 1}
RECIPE = (
    Phase("alignment", {"image_size": 128, "epochs": 16, "val_interval": 16}),
    Phase("training", {"image_size": 128, "epochs": 16, **ALIKE, **BLIND}),
    Phase("training", {**FINER, **ALIKE, "epochs": 4}),
)
#: A rate that stays high, and a slow average of the weights it passes (Izmailov et al., UAI 2018), statistics too.
AVERAGED = {
    **FINER,
    "warmup_epochs": 0.5,
    "least_learning_rate": 0.00015,
    "ema_momentum": 0.001,
    "ema_buffers": "update",
    "set_balance": 0.5,
}
#: From the mean of the recipe's weights of stage 2.
AVERAGED_PHASES = (
    Phase("training", {**AVERAGED, "epochs": 10, "seed": 2}),
    Phase("training", {**AVERAGED, "epochs": 10, "seed": 3}),
)
#: The pretrained encoder, with the heads of the compact one's weights.
PRETRAINED = {
    "image_size": 160,
    "epochs": 15,
    "warmup_epochs": 1,
    "set_balance": 0.5,
    "evidence_threshold": 0,
    "seed": 7,
    **BLIND,
}


def train(recipe: tuple[Phase, ...], common: dict[str, object], out: Path, first: int = 0) -> Path:
    """All phases of a recipe, in folders numbered from the first one's -> the last one's folder."""
    folder, options = out, dict(common)
    for number, phase in enumerate(recipe, first):
        folder = out / str(number)
        kept = {"resume": (folder / "last.pt").exists(), "cache_dir": out.parent / "cache"}
        run(phase.verb, phase.configs, {**options, **phase.options, **kept}, folder)
        options["alignment" if phase.verb == "alignment" else "init_weights"] = folder / "last.pt"
    return folder


def train_compact(common: dict[str, object], out: Path) -> Path:
    """The compact encoder's recipe -> its last weights; the text tower of stage 1 is written beside it."""
    train(RECIPE, common, out)
    run("text_tower_alone", ["align", "compact"], {}, out / "0")
    stage_2 = [out / str(n) / "last.pt" for n, phase in enumerate(RECIPE) if phase.verb == "training"]
    start = {"alignment": out / "0" / "last.pt", "init_weights": average_weights(stage_2, out / "mean.pt")}
    return train(AVERAGED_PHASES, {**common, **start}, out, len(RECIPE)) / "last.pt"


def train_pretrained(common: dict[str, object], heads: Path, text_tower: Path, out: Path) -> Path:
    """The pretrained encoder with these heads -> its last weights."""
    kept = {"resume": (out / "last.pt").exists(), "cache_dir": out.parent / "cache"}
    options = {**common, **PRETRAINED, "init_heads": heads, "text_tower_weights": text_tower, **kept}
    run("training", ["train", "disk_cache"], options, out)
    return out / "last.pt"


def halves(table: CaseTable) -> np.ndarray:
    """Which half of the groups each case is in, 0 or 1; of each data set every second group."""
    half = np.zeros(len(table), dtype=int)
    for name in np.unique(table["dataset"]):
        groups = np.unique(table["group"][table["dataset"] == name])
        half[np.isin(table["group"], np.random.default_rng(0).permutation(groups)[::2])] = 1
    return half


def calibrate(common: dict[str, object], weights: Path, out: Path) -> Path:
    """Fit on all cases of the validation sections -> the weights; and on each half, measured on the other."""
    data = {**common, "image_size": PRETRAINED["image_size"], "worst_cases": 0}
    run("evaluation", ["train", "evaluate"], {**data, "weights": weights}, out / "before")
    cases = CaseTable.read(out / "before" / "cases.csv", CLASSES)
    of_half, measured = halves(cases), []
    for half in (0, 1):
        folder = out / f"half_{half}"
        folder.mkdir(exist_ok=True)
        cases.select(of_half == half).write(folder / "fitted_on.csv")
        fitted_on = {"weights": weights, "cases": [str(folder / "fitted_on.csv")]}
        run("calibration", ["train", "calibrate"], fitted_on, folder)
        run("evaluation", ["train", "evaluate"], {**data, "weights": folder / "model.pt"}, folder / "evaluation")
        table = CaseTable.read(folder / "evaluation" / "cases.csv", CLASSES)
        measured.append(table.select(halves(table) != half))
    (out / "cross_fitted").mkdir(exist_ok=True)
    names = measured[0].columns
    merged = {name: np.concatenate([table[name] for table in measured]) for name in names}
    order = np.lexsort((merged["image"], merged["dataset"]))
    CaseTable(merged, CLASSES).select(order).write(out / "cross_fitted" / "cases.csv")
    both = {"weights": weights, "cases": [str(out / "before" / "cases.csv")], "dataset_dir": common["dataset_dir"]}
    run("calibration", ["train", "calibrate"], both, out / "calibrated")
    return out / "calibrated" / "model.pt"


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--compact_sets", type=int, default=2, help="how many of them, from the first, teach the heads")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="calibrate these, of a zero threshold, instead of training anew")
    parser.add_argument("--heads", type=Path, help="the compact encoder's weights, instead of training them anew")
    parser.add_argument("--text_tower", type=Path, help="and their text tower")
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    folders = dataset_folders(arguments.dataset_dir)
    common = {"dataset_dir": folders, "seed": arguments.seed}
    given = [weights_digest(path) if path else None for path in (arguments.weights, arguments.heads)]
    recipe = [*map(asdict, (*RECIPE, *AVERAGED_PHASES)), PRETRAINED]
    check_settings({**common, "given": given, "recipe": recipe}, out)
    weights = arguments.weights
    if weights is None:
        heads, text_tower = arguments.heads, arguments.text_tower
        if heads is None:
            few = str(ast.literal_eval(folders)[: arguments.compact_sets])
            heads = train_compact({**common, "dataset_dir": few}, out / "compact")
            text_tower = out / "compact" / "0" / "text_tower.pt"
        weights = train_pretrained(common, heads.resolve(), text_tower.resolve(), out / "default")
    shipped = calibrate(common, weights.resolve(), out)
    options = {**common, "image_size": PRETRAINED["image_size"], "weights": shipped}
    run("evaluation", ["train", "evaluate"], options, out / "after")


if __name__ == "__main__":
    main()
