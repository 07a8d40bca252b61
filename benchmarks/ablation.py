"""The ablation table of the method: each row the same seed, data and budget, one thing changed.

    python benchmarks/ablation.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir out/ablation

Trains stage 1 three times (descriptions, shuffled descriptions, class names), then every row's stage 2, evaluates each
on the validation section, swaps the prompts of the full method, and writes ``ablation.md`` (figures) and ``margins.md``
(how much better the full method is), each also as JSON. What is finished is not run again: the command continues where
it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bundle_runs import (
    BLIND,
    COLUMNS,
    CaseTable,
    add_jobs,
    check_settings,
    common_options,
    figure_of,
    margin,
    read_cases,
    run,
    side_by_side,
)

from scripts.networks import weights_digest
from scripts.writing.tables import write_study


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
    Row("without pasted lesions", options={"paste_prob": "0"}),
    Row("without stage 1", texts=None),
    Row("shuffled descriptions", texts="shuffled"),
    Row("class names only", texts="class_words"),
    Row("diagnosis by whole image", options={"diagnosis_branches": "whole_image"}),
    Row("diagnosis by lesion only", options={"diagnosis_branches": "lesion"}),
    Row("diagnosis by radiomics only", options={"diagnosis_branches": "radiomics"}),
)


def align(texts: str, common: dict[str, str], epochs: int, given: Path | None, out: Path) -> Path:
    """Stage 1 on one kind of texts -> its checkpoint; the one on true descriptions may be given."""
    if given and texts == FULL.texts:
        return given.resolve()
    folder = out / f"stage_1_{texts}"
    run("alignment", ["align"], {**common, "epochs": str(epochs), "texts": texts, **BLIND}, folder)
    return folder / "last.pt"


def train_and_evaluate(
    row: Row, common: dict[str, str], epochs: int, alignments: dict[str, Path], out: Path
) -> CaseTable:
    """One row -> its cases on the validation section."""
    folder = out / row.folder
    options = {**common, **row.options}
    if row.texts:
        options["alignment"] = str(alignments[row.texts])
    training = {**options, "epochs": str(epochs), "warmup_epochs": "0.5", **BLIND}
    run("training", ["train"], training, folder)
    options["weights"] = str(folder / "last.pt")
    run("evaluation", ["train", "evaluate"], options, folder / "evaluation")
    if row is FULL:
        run("study", ["train", "study"], options, out / "study")
    return read_cases(folder / "evaluation")


def figures(row: Row, cases: CaseTable, full: CaseTable) -> dict[str, object]:
    """A row's figures, of both data sets and of all cases; a data set's folder may be called "training"."""
    names = sorted(set(full["dataset"]))
    columns = {f"Dice, {name} (validation)": ("dice", {"dataset": name}) for name in names} | COLUMNS
    return {"row": row.name} | {name: figure_of(cases, metric, of) for name, (metric, of) in columns.items()}


def margins(row: Row, cases: CaseTable, full: CaseTable) -> dict[str, object]:
    """How much better the full method is than a row, on the same resamples of groups."""
    return {"full method better than": row.name} | {
        name: margin(full, cases, metric, of) for name, (metric, of) in COLUMNS.items()
    }


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--image_size", default="96", help="working size in pixels")
    parser.add_argument("--stage_1_epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS), help="of the table, by name")
    parser.add_argument("--alignment", type=Path, help="a finished stage 1 on descriptions, of --stage_1_epochs epochs")
    add_jobs(parser)
    arguments = parser.parse_args()
    common = common_options(arguments)
    out = arguments.output_dir.resolve()
    named = [name.strip() for name in arguments.rows.split(",")]
    unknown = set(named) - {row.name for row in ROWS}
    if unknown or FULL.name not in named:
        sys.exit(f'--rows: name "{FULL.name}" and others of: {", ".join(row.name for row in ROWS)}.')
    rows = [row for row in ROWS if row.name in named]
    digest = weights_digest(arguments.alignment) if arguments.alignment else None
    check_settings(
        {**common, "alignment": digest, "epochs": arguments.epochs, "stage_1_epochs": arguments.stage_1_epochs}, out
    )
    stage_1 = (common, arguments.stage_1_epochs, arguments.alignment, out)
    texts = list(dict.fromkeys(row.texts for row in rows if row.texts))
    aligned = side_by_side([partial(align, kind, *stage_1) for kind in texts], arguments.jobs)
    alignments = dict(zip(texts, aligned, strict=True))
    tasks = [
        # The same budget without stage 1: what the others spend on it.
        partial(
            train_and_evaluate,
            row,
            common,
            arguments.epochs + (0 if row.texts else arguments.stage_1_epochs),
            alignments,
            out,
        )
        for row in rows
    ]
    tables = dict(zip((row.name for row in rows), side_by_side(tasks, arguments.jobs), strict=True))
    full = tables[FULL.name]
    write_study(out, "ablation", [figures(row, tables[row.name], full) for row in rows])
    write_study(out, "margins", [margins(row, tables[row.name], full) for row in rows if row is not FULL])
    print((out / "ablation.md").read_text(), (out / "margins.md").read_text(), sep="\n")


if __name__ == "__main__":
    main()
