"""The ablation table of the method: each row the same seed, data and budget, one thing changed.

    python benchmarks/ablation.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir out/ablation

Trains stage 1 three times (descriptions, shuffled descriptions, class names), then every row's stage 2, evaluates each
on the validation section, swaps the prompts of the full method, and writes ``ablation.md`` and ``ablation.json``. What
is finished is not run again: the command continues where it was stopped.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))

from scripts.reporting.evaluation_cases import CaseTable  # noqa: E402
from scripts.reporting.evaluation_comparison import paired_comparison  # noqa: E402
from scripts.reporting.study_tables import write_study  # noqa: E402


@dataclass(frozen=True)
class Row:
    """One row: its name, the texts of its stage 1 (none without), what differs from the full method."""

    name: str
    texts: str | None = "descriptions"
    options: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where its runs go, below the output folder."""
        return self.name.replace(" ", "_").replace(",", "")


FULL = Row("full method")
ROWS = (
    FULL,
    Row("single box", options={"reliability_mode": "single_box"}),
    Row("uniform", options={"reliability_mode": "uniform"}),
    Row("saliency", options={"reliability_mode": "saliency"}),
    Row("semantic", options={"reliability_mode": "semantic"}),
    Row("saliency and semantic", options={"reliability_mode": "both"}),
    Row("without stage 1", texts=None),
    Row("shuffled descriptions", texts="shuffled"),
    Row("class names only", texts="class_words"),
    Row("diagnosis by whole image", options={"diagnosis_evidence": "whole_image"}),
    Row("diagnosis by lesion only", options={"diagnosis_evidence": "lesion"}),
    Row("diagnosis by radiomics only", options={"diagnosis_evidence": "radiomics"}),
)

#: Columns of the table: metric, and the cases it is of; beside those marked, how much better the full method is.
COLUMNS = {
    "Dice": ("dice", {}),
    "Dice, smallest third": ("dice", {"size": "small"}),
    "Dice, gate off": ("dice_gate_off", {}),
    "AUC": ("auc", {}),
}
COMPARED = ("Dice", "Dice, smallest third", "AUC")


def run(verb: str, configs: list[str], options: dict[str, str], folder: Path) -> None:
    """One bundle run in a process of its own, into a folder, unless it is finished there."""
    finished, log = folder / f".{verb}_finished", folder / f"{verb}.txt"
    if finished.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = str([f"configs/{name}.json" for name in configs])
    command = [sys.executable, "-m", "monai.bundle", "run", verb, "--config_file", files]
    for name, value in {**options, "output_dir": str(folder)}.items():
        command += [f"--{name}", value]
    print(f"{verb}: {folder}", flush=True)
    with log.open("w") as file:
        done = subprocess.run(command, cwd=BUNDLE, stdout=file, stderr=subprocess.STDOUT, env=os.environ)
    if done.returncode:
        sys.exit(f"{verb} failed with exit code {done.returncode}; see {log}.")
    finished.touch()


def align(texts: str, common: dict[str, str], epochs: int, out: Path) -> Path:
    """Stage 1 on one kind of texts -> its checkpoint."""
    folder = out / f"stage_1_{texts}"
    run("alignment", ["align"], {**common, "epochs": str(epochs), "texts": texts, "val_interval": str(epochs)}, folder)
    return folder / "last.pt"


def train_and_evaluate(row: Row, common: dict[str, str], epochs: int, stage_1_epochs: int, out: Path) -> CaseTable:
    """One row -> its cases on the validation section."""
    folder = out / row.folder
    options = {**common, **row.options}
    if row.texts:
        options["alignment"] = str(align(row.texts, common, stage_1_epochs, out))
    else:  # the same budget: what the others spend on stage 1
        epochs += stage_1_epochs
    training = {**options, "epochs": str(epochs), "warmup_epochs": "0.5", "val_interval": "100"}
    run("training", ["train"], training, folder)
    options["weights"] = str(folder / "last.pt")
    run("evaluation", ["train", "evaluate"], options, folder / "evaluation")
    if row is FULL:
        run("study", ["train", "study"], options, out / "study")
    return CaseTable.read(folder / "evaluation" / "cases.csv")


def check_settings(settings: dict[str, object], out: Path) -> None:
    """Rows of other settings must not stand in one table."""
    path = out / "settings.json"
    if path.exists() and json.loads(path.read_text()) != settings:
        sys.exit(f'"{out}" holds an ablation of other settings ({path.name}); choose another --output_dir.')
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1) + "\n")


def table_row(row: Row, cases: CaseTable, full: CaseTable) -> dict[str, object]:
    """Figures of a row, and how much better or worse the full method is on the same resamples."""
    values: dict[str, object] = {"row": row.name}
    datasets = {f"Dice, {name}": ("dice", {"dataset": name}) for name in sorted(set(full["dataset"]))}
    for column, (metric, of) in (datasets | COLUMNS).items():
        chosen = [all_of(table, of) for table in (full, cases)]
        compared = paired_comparison(full.select(chosen[0]), cases.select(chosen[1]), metric)
        low, high = compared["interval"]
        values[column] = compared["second"]
        if column in COMPARED:
            difference = f"{compared['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
            values[f"full better by ({column})"] = None if row is FULL else difference
    return values


def all_of(table: CaseTable, of: dict[str, str]) -> np.ndarray:
    """Which cases have these values in these columns, shape (N,)."""
    return np.all([table[name] == value for name, value in of.items()] or [np.full(len(table), True)], axis=0)


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--image_size", default="96", help="working size in pixels")
    parser.add_argument("--stage_1_epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    folders = arguments.dataset_dir
    folders = ast.literal_eval(folders) if folders.startswith("[") else [folders]
    folders = [str(Path(folder).resolve()) for folder in folders]
    common = {"dataset_dir": str(folders), "image_size": arguments.image_size, "seed": arguments.seed}
    out = arguments.output_dir.resolve()
    check_settings({**common, "epochs": arguments.epochs, "stage_1_epochs": arguments.stage_1_epochs}, out)
    tables = {
        row.name: train_and_evaluate(row, common, arguments.epochs, arguments.stage_1_epochs, out) for row in ROWS
    }
    rows = [table_row(row, tables[row.name], tables[FULL.name]) for row in ROWS]
    write_study(out, "ablation", rows)
    print((out / "ablation.md").read_text())


if __name__ == "__main__":
    main()
