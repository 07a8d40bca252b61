"""The method against its peers: the same lists, augmentation, size, budget, and the best of three learning rates.

    python benchmarks/peers.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir out/peers

Each peer tries three learning rates by a short schedule; the rate that validates best (Dice of segmenters, AUC of
classifiers) trains the whole schedule, and its last moving average stands in the table. Their rate is chosen on the
cases that are reported; the method takes that of ``train.json`` and chooses nothing there. It spends a part of its
epochs on stage 1, the peers all of them on their task. It also draws small data sets and normal images more often; the
peers draw all images alike. At test all see each image mirrored too.
The method with a single box instead of five is trained for itself, from the same stage 1.
``--weights`` adds a row of trained weights of the method, of a budget of their own, at the size of ``train.json``; it
must not have learned from the validation section.
Mask area alone is read from the method's masks, and a logistic regression is fitted to the radiomics of its masks of
the training images. Writes ``peers.md``, ``margins.md``, with ``--weights`` ``margins_of_weights.md``, and all as JSON;
what is finished is not run again, and a training that was interrupted resumes.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from bundle_runs import (
    BLIND,
    CLASSES,
    COLUMNS,
    CaseTable,
    add_jobs,
    check_settings,
    common_options,
    figure_of,
    margin,
    read_cases,
    refuse_learned_images,
    run,
    side_by_side,
    value_of,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from scripts.networks import weights_digest
from scripts.writing.tables import write_study


@dataclass(frozen=True)
class Entrant:
    """A network of the table: its overlays on ``train.json``, what selects it, the learning rates it may choose.

    ``aligned``: it starts from the method's stage 1; ``options``: what differs from its configs.
    """

    name: str
    overlays: tuple[str, ...]
    selected_by: str = "dice"
    learning_rates: tuple[str, ...] = ("0.0008", "0.002", "0.005")
    aligned: bool = False
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    def folder(self, out: Path, rate: str, epochs: int) -> Path:
        """Where a run of it goes."""
        return out / self.name.replace(" ", "_").replace(",", "") / f"{rate}_{epochs}_epochs"


METHOD = Entrant("Rad-VLSM", (), learning_rates=("0.0006",), aligned=True)
ENTRANTS = (
    METHOD,
    replace(METHOD, name="Rad-VLSM, single box", options={"reliability_mode": "single_box"}),
    Entrant("U-Net", ("peers/peer", "peers/unet")),
    Entrant("SegResNet", ("peers/peer", "peers/segresnet")),
    Entrant("DynUNet", ("peers/peer", "peers/dynunet")),
    Entrant("U-Net, ImageNet", ("peers/peer", "peers/pretrained_unet"), learning_rates=("0.0005", "0.001", "0.002")),
    Entrant("ResNet-18, whole image", ("peers/peer", "peers/resnet18"), "auc", ("0.0001", "0.0003", "0.0008")),
    Entrant(
        "EfficientNet-Lite0, whole image, ImageNet",
        ("peers/peer", "peers/pretrained_classifier"),
        "auc",
        ("0.0001", "0.0003", "0.0008"),
    ),
)


@dataclass(frozen=True)
class Schedule:
    """Epochs: of stage 1 (the method's alone), of stage 2, and of each trial of a learning rate."""

    stage_1: int
    stage_2: int
    trial: int

    def epochs(self, entrant: Entrant) -> int:
        """What an entrant trains on its task: a peer has the time of both stages."""
        return self.stage_2 if entrant.aligned else self.stage_1 + self.stage_2


def align(common: dict[str, str], epochs: int, out: Path) -> Path:
    """The method's stage 1 -> its checkpoint."""
    last = out / "stage_1" / "last.pt"
    run("alignment", ["align"], {**common, "epochs": str(epochs), "resume": last.exists(), **BLIND}, last.parent)
    return last


def train_and_evaluate(entrant: Entrant, rate: str, epochs: int, common: dict[str, str], alignment: Path) -> CaseTable:
    """One training -> its cases on the validation section."""
    out = alignment.parents[1]
    folder = entrant.folder(out, rate, epochs)
    common = {**common, **entrant.options}
    options = {**common, "epochs": str(epochs), "learning_rate": rate, **BLIND}
    options["cache_dir"] = str(out / "cache")
    # Convolutional peers need little warm-up, and their trials are short; the method keeps that of train.json.
    options |= {"alignment": str(alignment)} if entrant.aligned else {"warmup_epochs": "0.5"}
    options["resume"] = (folder / "last.pt").exists()
    run("training", ["train", *entrant.overlays, "disk_cache"], options, folder)
    options = {**common, "weights": str(folder / "last.pt")}
    run("evaluation", ["train", *entrant.overlays, "evaluate"], options, folder / "evaluation")
    return read_cases(folder / "evaluation")


def best_rates(common: dict[str, str], schedule: Schedule, alignment: Path, jobs: int) -> dict[Entrant, str]:
    """Every entrant's learning rate; by short trials where it has a choice."""
    trials = [(entrant, rate) for entrant in ENTRANTS for rate in entrant.learning_rates]
    trials = [(entrant, rate) for entrant, rate in trials if len(entrant.learning_rates) > 1]
    tasks = [partial(train_and_evaluate, entrant, rate, schedule.trial, common, alignment) for entrant, rate in trials]
    results = dict(zip(trials, side_by_side(tasks, jobs), strict=True))
    scores = {trial: value_of(cases, trial[0].selected_by, {}) for trial, cases in results.items()}
    return {
        entrant: max(entrant.learning_rates, key=lambda rate, entrant=entrant: scores.get((entrant, rate), 0.0))
        for entrant in ENTRANTS
    }


def evaluate_weights(weights: Path, common: dict[str, str], out: Path) -> CaseTable:
    """The cases of trained weights on the validation section, at the size of ``train.json``."""
    folder = out / f"weights_{weights_digest(weights)[:12]}"
    options = {name: value for name, value in common.items() if name != "image_size"}
    run("evaluation", ["train", "evaluate"], {**options, "weights": weights.resolve()}, folder)
    return read_cases(folder)


def regression_on_radiomics(cases: CaseTable, common: dict[str, str], folder: Path) -> CaseTable:
    """The method's cases with the malignancy probability of a logistic regression on the radiomics of its masks."""
    options = {**common, "weights": str(folder / "last.pt"), "section": "training"}
    run("evaluation", ["train", "evaluate"], options, folder / "evaluation_of_training")
    values, malignant, groups = radiomics_of(folder / "evaluation_of_training")
    model = make_pipeline(
        StandardScaler(),
        GridSearchCV(
            LogisticRegression(max_iter=5000), {"C": [0.001, 0.01, 0.1, 1.0]}, scoring="roc_auc", cv=GroupKFold(5)
        ),
    ).fit(values, malignant, gridsearchcv__groups=groups)
    values, _, _ = radiomics_of(folder / "evaluation", lesions_alone=False)
    return CaseTable(cases.columns | {CLASSES.probability: model.predict_proba(values)[:, 1]}, CLASSES)


def radiomics_of(folder: Path, lesions_alone: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Descriptors (N, R) of an evaluation's masks, finite; whether each lesion is malignant; its group."""
    with (folder / "radiomics.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not lesions_alone or row["diagnosis"] != "normal"]
    values = np.array([[float(value) for value in list(row.values())[4:]] for row in rows])
    malignant = np.array([row["diagnosis"] == "malignant" for row in rows])
    return np.nan_to_num(values, posinf=0.0, neginf=0.0), malignant, np.array([row["group"] for row in rows])


@dataclass(frozen=True)
class Answer:
    """What a row of the table answers: its cases, and the metrics that it can be judged by, by column."""

    name: str
    cases: CaseTable
    metrics: dict[str, str]

    def figures(self, dataset: str) -> dict[str, object]:
        """On one data set; what it cannot be judged by is None."""
        row: dict[str, object] = {"network": self.name, "evaluated on": dataset}
        for column, of in FIGURES.items():
            metric = self.metrics.get(column)
            row[column] = figure_of(self.cases, metric, {**of, "dataset": dataset}) if metric else None
        return row

    def margins(self, first: Answer, called: str, dataset: str) -> dict[str, object]:
        """How much better another answer is than this on one data set, on the same resamples of groups."""
        row: dict[str, object] = {f"{called} better than": self.name, "evaluated on": dataset}
        for column, of in COLUMNS.items():
            row[column] = None
            if column in self.metrics:
                options = {"second_metric": self.metrics[column]}
                metric = first.metrics[column]
                row[column] = margin(first.cases, self.cases, metric, {**of[1], "dataset": dataset}, **options)
        return row


#: Columns of figures, and the cases that they are of.
FIGURES = {column: of for column, (_, of) in COLUMNS.items()} | {"normals with a mask": {}}
DIAGNOSIS = {"AUC": "auc", "AUC, gate off": "auc_gate_off"}
MASKS = {column: metric for column, (metric, _) in COLUMNS.items() if column not in DIAGNOSIS} | {
    "normals with a mask": "normals_with_mask"
}


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--image_size", default="128", help="working size in pixels")
    parser.add_argument("--stage_1_epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=32, help="of stage 2; the peers train for the sum of both stages")
    parser.add_argument("--trial_epochs", type=int, default=2, help="of each trial of a learning rate")
    parser.add_argument("--weights", type=Path, help="weights that have not seen the validation section, not model.pt")
    parser.add_argument("--seed", default="1")
    add_jobs(parser)
    arguments = parser.parse_args()
    if arguments.weights and not arguments.weights.is_file():
        parser.error(f'the weights "{arguments.weights}" do not exist')
    common = common_options(arguments)
    if arguments.weights:
        refuse_learned_images(arguments.weights, common["dataset_dir"])
    out = arguments.output_dir.resolve()
    schedule = Schedule(arguments.stage_1_epochs, arguments.epochs, arguments.trial_epochs)
    check_settings({**common, **asdict(schedule)}, out)
    alignment = align(common, schedule.stage_1, out)
    rates = best_rates(common, schedule, alignment, arguments.jobs)
    tasks = [
        partial(train_and_evaluate, entrant, rate, schedule.epochs(entrant), common, alignment)
        for entrant, rate in rates.items()
    ]
    tables = dict(zip(rates, side_by_side(tasks, arguments.jobs), strict=True))
    method = tables[METHOD]
    answers = []
    for entrant, cases in tables.items():
        learned = MASKS | DIAGNOSIS if entrant.aligned else DIAGNOSIS if entrant.selected_by == "auc" else MASKS
        answers.append(Answer(f"{entrant.name}, {rates[entrant]}", cases, learned))
    folder = METHOD.folder(out, rates[METHOD], schedule.epochs(METHOD))
    answers.append(Answer("mask area alone", method, {"AUC": "auc_predicted_area"}))
    answers.append(Answer("logistic regression", regression_on_radiomics(method, common, folder), DIAGNOSIS))
    studies = {"margins": ("the method", answers[0], answers[1:])}
    if arguments.weights:
        measured = Answer("measured weights", evaluate_weights(arguments.weights, common, out), MASKS | DIAGNOSIS)
        studies["margins_of_weights"] = (f"the {measured.name}", measured, list(answers))
        answers.append(measured)
    datasets = sorted(set(method["dataset"]))
    write_study(out, "peers", [answer.figures(dataset) for dataset in datasets for answer in answers])
    for name, (called, first, others) in studies.items():
        write_study(out, name, [other.margins(first, called, dataset) for dataset in datasets for other in others])
    for name in ("peers", *studies):
        print((out / f"{name}.md").read_text())


if __name__ == "__main__":
    main()
