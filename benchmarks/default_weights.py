"""The default weights and their calibration, from the data sets alone.

    python benchmarks/default_weights.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir out/weights

Trains the default by its recipe on the training section (``default/4/last.pt``, ``default/0/text_tower.pt``), of which
no validation case chooses anything; trains networks by a shorter recipe on two thirds of the training groups each, and
evaluates them on the third that they have not seen; fits temperatures and limits on these predictions, and writes them
into ``calibrated_by_0_1_2/model.pt``; evaluates these weights before and after on the validation section. The weights
that ship repeat the last phase on both sections (``shipped_by_0_1_2/model.pt``): nothing here can measure them. What is
finished is not run again; a training that was interrupted resumes. Hours on a CPU.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from bundle_runs import BLIND, add_jobs, check_settings, dataset_folders, run, side_by_side

from scripts.networks import average_weights, weights_digest


@dataclass(frozen=True)
class Phase:
    """One run of a recipe: its id, config and options. Stage 2 starts from stage 1 and from the phase before it."""

    verb: str
    options: dict[str, object] = field(default_factory=dict)

    @property
    def configs(self) -> tuple[str, ...]:
        """Of which the run is."""
        return ("align",) if self.verb == "alignment" else ("train", "disk_cache")


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
#: Once the recipe is settled: its last phase, on all labelled images.
SHIPPED_PHASE = Phase("training", {**AVERAGED_PHASES[-1].options, "training_sections": ["training", "validation"]})
#: The same phases, shorter: temperatures and limits must carry over to the default.
FOLD_RECIPE = (
    Phase("alignment", {"image_size": 96, "epochs": 4, **BLIND}),
    Phase("training", {"image_size": 128, "epochs": 8, "evidence_threshold": 0, **BLIND}),
    Phase("training", {**AVERAGED, "epochs": 3, "ema_momentum": 0.003, "evidence_threshold": 0}),
)
FOLDS = 3


def train(recipe: tuple[Phase, ...], common: dict[str, object], out: Path, first: int = 0) -> Path:
    """All phases of a recipe, in folders numbered from the first one's -> the last one's folder."""
    folder, options = out, dict(common)
    for number, phase in enumerate(recipe, first):
        folder = out / str(number)
        kept = {"resume": (folder / "last.pt").exists(), "cache_dir": out.parent / "cache"}
        run(phase.verb, phase.configs, {**options, **phase.options, **kept}, folder)
        options["alignment" if phase.verb == "alignment" else "init_weights"] = folder / "last.pt"
    return folder


def train_default(common: dict[str, object], out: Path) -> tuple[Path, Path]:
    """The recipe -> its last weights, and those that saw the validation section in the last phase.

    The text tower of stage 1 is written beside it.
    """
    train(RECIPE, common, out)
    run("text_tower_alone", ["align"], {}, out / "0")
    stage_2 = [out / str(n) / "last.pt" for n, phase in enumerate(RECIPE) if phase.verb == "training"]
    start = {"alignment": out / "0" / "last.pt", "init_weights": average_weights(stage_2, out / "mean.pt")}
    common, first = {**common, **start}, len(RECIPE)
    measured = train(AVERAGED_PHASES, common, out, first)
    common["init_weights"] = measured.with_name(str(first)) / "last.pt"
    shipped = train((SHIPPED_PHASE,), common, out.with_name("default_with_validation"))
    return measured / "last.pt", shipped / "last.pt"


def predict_held_out(fold: int, common: dict[str, object], out: Path) -> Path:
    """The short recipe without a fold -> the cases of that fold."""
    held_out = {**common, "fold": fold, "folds": FOLDS}
    folder = train(FOLD_RECIPE, held_out, out)
    size = FOLD_RECIPE[-1].options["image_size"]
    options = {**held_out, "section": "training", "image_size": size, "weights": folder / "last.pt"}
    run("evaluation", ["train", "evaluate"], options, folder / "evaluation")
    return folder / "evaluation" / "cases.csv"


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="calibrate and evaluate these instead of training anew")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--held_out", type=int, nargs="+", default=range(FOLDS), help="folds that calibrate, of 0 to 2")
    add_jobs(parser)
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    common = {"dataset_dir": dataset_folders(arguments.dataset_dir), "seed": arguments.seed}
    digest = weights_digest(arguments.weights) if arguments.weights else None
    recipes = [list(map(asdict, recipe)) for recipe in ((*RECIPE, *AVERAGED_PHASES, SHIPPED_PHASE), FOLD_RECIPE)]
    check_settings({**common, "weights": digest, "recipes": recipes}, out)
    default = [] if arguments.weights else [lambda: train_default(common, out / "default")]
    folds = [partial(predict_held_out, fold, common, out / f"fold_{fold}") for fold in arguments.held_out]
    done = side_by_side([*default, *folds], arguments.jobs)
    cases = [str(path) for path in done[len(default) :]]

    by = "_".join(str(fold) for fold in arguments.held_out)
    calibrated = out / f"calibrated_by_{by}"
    measured, shipped = (arguments.weights, None) if arguments.weights else done[0]
    pairs = [(measured, calibrated)] + ([(shipped, out / f"shipped_by_{by}")] if shipped else [])
    for file, folder in pairs:
        run("calibration", ["train", "calibrate"], {"weights": Path(file).resolve(), "cases": cases}, folder)
    for name, file in (("before", measured), (f"after_{by}", calibrated / "model.pt")):
        options = {**common, "image_size": FINER["image_size"], "weights": Path(file).resolve()}
        run("evaluation", ["train", "evaluate"], options, out / "evaluation" / name)


if __name__ == "__main__":
    main()
