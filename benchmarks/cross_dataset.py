"""Honesty across data sets: trained on one, evaluated on the other, both ways, beside the same network at home.

    python benchmarks/cross_dataset.py --dataset_dir "['BUSI','BUS-BRA']" --output_dir out/cross

Trains by the short recipe of ``default_weights.py`` and evaluates on both validation sections. Writes ``cross.md`` and
``cross.json``; what is finished is not run again.
"""

from __future__ import annotations

import argparse
import ast
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bundle_runs import COLUMNS, add_jobs, check_settings, dataset_folders, figure_of, read_cases, run, side_by_side
from default_weights import FOLD_RECIPE, train

from scripts.writing.tables import write_study


def rows_of(home: str, folders: list[str], seed: str, out: Path) -> list[dict[str, object]]:
    """Train on one data set, evaluate on all."""
    place, rows = out / f"trained_on_{Path(home).name}", []
    trained = train(FOLD_RECIPE, {"dataset_dir": home, "seed": seed}, place)
    for away in folders:
        options = {"dataset_dir": away, "weights": trained / "last.pt"}
        options |= {"image_size": FOLD_RECIPE[-1].options["image_size"]}
        folder = place / f"on_{Path(away).name}"
        run("evaluation", ["train", "evaluate"], options, folder)
        cases = read_cases(folder)
        row: dict[str, object] = {"trained on": Path(home).name, "evaluated on": Path(away).name}
        rows.append(row | {column: figure_of(cases, metric, of) for column, (metric, of) in COLUMNS.items()})
    return rows


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="a list of two folders or more")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--seed", default="1")
    add_jobs(parser)
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    folders = ast.literal_eval(dataset_folders(arguments.dataset_dir))
    check_settings({"dataset_dir": folders, "seed": arguments.seed, "recipe": list(map(asdict, FOLD_RECIPE))}, out)
    tasks = [partial(rows_of, home, folders, arguments.seed, out) for home in folders]
    rows = [row for rows in side_by_side(tasks, arguments.jobs) for row in rows]
    write_study(out, "cross", rows)
    print((out / "cross.md").read_text())


if __name__ == "__main__":
    main()
