"""What another scanner should expect: trained on all sets but one, measured on that one, beside a U-Net.

    python benchmarks/leave_one_set_out.py --dataset_dir "['BUSI','BUS-BRA','BUS-UCLM']" --output_dir out/left_out

Each set is left out once. The method trains stage 1 and stage 2 on the others from the encoder's ImageNet weights, with
nothing that has seen the set left out; a U-Net and a whole-image classifier on the same encoder train on the same lists
for the epochs of both stages. Nothing is fitted afterwards: thresholds are those of training. All images of the set
left out are evaluated, its training section too. Writes ``left_out.md``, ``margins.md`` and both as JSON; what is
finished is not run again, and a training that was interrupted resumes.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    dataset_folders,
    figure_of,
    margin,
    read_cases,
    run,
    side_by_side,
)
from peers import DIAGNOSIS, MASKS

from scripts.writing.tables import write_study


@dataclass(frozen=True)
class Network:
    """A row of the table: its overlays on ``train.json``, its options, and what it is judged by."""

    name: str
    metrics: Mapping[str, str] = field(hash=False)
    overlays: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict, hash=False)


SEGMENTER = MASKS | {"lesions located": "lesions_located"}
METHOD = Network("Rad-VLSM", SEGMENTER | DIAGNOSIS)
#: A peer draws each normal image no more often than a lesion: normals in plenty cost a plain mask network lesions.
ALIKE = {"set_balance": 0.5, "normal_draws": 1}
UNET, CLASSIFIER = ("peers/peer", "peers/pretrained_unet"), ("peers/peer", "peers/pretrained_classifier")
NETWORKS = (
    METHOD,
    Network("U-Net", SEGMENTER, UNET, {**ALIKE, "learning_rate": 0.002}),
    Network("whole image", DIAGNOSIS, CLASSIFIER, {**ALIKE, "learning_rate": 0.0003}),
)


def train(network: Network, common: dict[str, object], epochs: tuple[int, int], out: Path) -> Path:
    """Both stages of the method, or their sum of a peer -> the last weights."""
    stage_1, stage_2 = epochs
    start: dict[str, object] = {"epochs": stage_1 + stage_2}
    if network is METHOD:
        aligned = out / "stage_1" / "last.pt"
        options = {**common, "epochs": stage_1, "val_interval": stage_1, "resume": aligned.exists()}
        run("alignment", ["align"], options, aligned.parent)
        start = {"epochs": stage_2, "alignment": aligned}
    folder = out / "training"
    kept = {"resume": (folder / "last.pt").exists(), "cache_dir": out.parent / "cache"}
    options = {**common, "set_balance": 0.5, "warmup_epochs": 1, **BLIND, **network.options, **start, **kept}
    run("training", ["train", *network.overlays, "disk_cache"], options, folder)
    return folder / "last.pt"


def evaluate(network: Network, weights: Path, options: dict[str, object], out: Path) -> CaseTable:
    """The cases of all images of a set, of both sections."""
    tables = []
    for section in ("training", "validation"):
        of = {**options, "weights": weights, "section": section, "worst_cases": 0}
        run("evaluation", ["train", *network.overlays, "evaluate"], of, out / section)
        tables.append(read_cases(out / section))
    return CaseTable({name: np.concatenate([table[name] for table in tables]) for name in tables[0].columns}, CLASSES)


def left_out(folder: str, folders: list[str], arguments: argparse.Namespace, out: Path) -> dict[Network, CaseTable]:
    """Every network's cases of one set, trained on the others."""
    place, cases = out / f"without_{Path(folder).name}", {}
    common = {"image_size": arguments.image_size, "seed": arguments.seed}
    for network in NETWORKS:
        of_network = place / network.name.replace(" ", "_")
        lists = {**common, "dataset_dir": str([other for other in folders if other != folder])}
        weights = train(network, lists, (arguments.stage_1_epochs, arguments.epochs), of_network)
        cases[network] = evaluate(network, weights, {**common, "dataset_dir": folder}, of_network / "left_out")
    return cases


def columns_of(metrics: Mapping[str, str]) -> dict[str, tuple[str, dict[str, str]]]:
    """Each column that metrics fill: the metric, and the cases that it is of."""
    return {column: (metric, COLUMNS.get(column, (metric, {}))[1]) for column, metric in metrics.items()}


def main() -> None:
    """Run what is missing, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="a list of two folders or more")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--image_size", default="160", help="working size in pixels")
    parser.add_argument("--stage_1_epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=15, help="of stage 2; the peers train for the sum of both stages")
    parser.add_argument("--seed", default="1")
    add_jobs(parser)
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    folders = ast.literal_eval(dataset_folders(arguments.dataset_dir))
    if len(folders) < 2:
        parser.error("name two data sets or more: one is left out")
    settings = {name: value for name, value in vars(arguments).items() if name not in ("output_dir", "jobs")}
    check_settings({**settings, "dataset_dir": folders}, out)
    tasks = [partial(left_out, folder, folders, arguments, out) for folder in folders]
    results = dict(zip(folders, side_by_side(tasks, arguments.jobs), strict=True))
    rows, margins = [], []
    for folder, cases in results.items():
        name, every = Path(folder).name, columns_of(METHOD.metrics)
        for network, table in cases.items():
            judged = columns_of(network.metrics)
            figures = {column: figure_of(table, *judged[column]) if column in judged else None for column in every}
            rows.append({"left out": name, "network": network.name, **figures})
            if network is not METHOD:
                against = {c: margin(cases[METHOD], table, *judged[c]) if c in judged else None for c in every}
                margins.append({"left out": name, "the method better than": network.name, **against})
    write_study(out, "left_out", rows)
    write_study(out, "margins", margins)
    for name in ("left_out", "margins"):
        print((out / f"{name}.md").read_text())


if __name__ == "__main__":
    main()
