"""The tables and pictures of the model card and of ``studies.md``, from trained weights.

    python benchmarks/card_tables.py --dataset_dir "['BUSI','BUS-BRA']" --weights measured.pt --output_dir out/card

Counts what is in each section, evaluates the weights on the validation sections as they are and without their
calibration, draws the curves of both, tells subgroups apart, and studies each data set. The weights must not have seen
the validation sections; those that ship have not. What is finished is not run again. Minutes on a CPU.
"""

from __future__ import annotations

import argparse
import ast
from functools import partial
from pathlib import Path

from bundle_runs import (
    BUNDLE,
    add_jobs,
    check_settings,
    common_options,
    read_cases,
    refuse_learned_images,
    run,
    side_by_side,
)
from curves import draw_all
from partitions import partitions
from subgroups import subgroups

from scripts.errors import BundleError
from scripts.networks import weights_digest
from scripts.writing.tables import write_study

MARKS = Path(__file__).with_name("busi_marks.csv")


def main() -> None:
    """Run what is missing, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="as for training: a folder or a list of folders")
    parser.add_argument("--weights", type=Path, required=True, help="that have not seen the validation sections")
    parser.add_argument("--output_dir", type=Path, required=True)
    tower = BUNDLE / "models" / "text_tower.pt"
    parser.add_argument("--text_tower", type=Path, default=tower, help="of the stage 1 that the weights come from")
    parser.add_argument("--image_size", default="160", help="working size in pixels")
    parser.add_argument("--seed", default="1")
    add_jobs(parser)
    arguments = parser.parse_args()
    for file in (arguments.weights, arguments.text_tower):
        if not file.is_file():
            parser.error(f'the weights "{file}" do not exist')
    out = arguments.output_dir.resolve()
    common = common_options(arguments)
    refuse_learned_images(arguments.weights, common["dataset_dir"])
    digests = {name: weights_digest(vars(arguments)[name]) for name in ("weights", "text_tower")}
    check_settings({**common, **digests}, out)
    common["weights"] = str(arguments.weights.resolve())
    folders = [Path(folder) for folder in ast.literal_eval(common["dataset_dir"])]

    evaluated = ["train", "evaluate"]
    tasks = [
        partial(run, "evaluation", evaluated, common, out / "evaluation"),
        partial(run, "evaluation", evaluated, {**common, "calibrated": "false"}, out / "uncalibrated"),
    ]
    for folder in folders:
        options = {**common, "text_tower_weights": arguments.text_tower.resolve(), "dataset_dir": folder}
        tasks.append(partial(run, "study", ["train", "study"], options, out / f"study_{folder.name}"))
    side_by_side(tasks, arguments.jobs)

    write_study(out, "partitions", partitions(folders))
    print((out / "partitions.md").read_text())
    before, after = (read_cases(out / folder) for folder in ("uncalibrated", "evaluation"))
    draw_all({"before": before, "after": after}, out / "curves.png")
    devices = [folder / "bus_data.csv" for folder in folders if (folder / "bus_data.csv").is_file()]
    sources = {"diagnosis": [None], "size": [None], "marks": [MARKS], "axilla": [MARKS], "Device": devices}
    for column, of in sources.items():
        try:
            rows = [row for table in of for row in subgroups(after, column, table)]
        except BundleError as reason:
            print(f"by_{column}.md is absent: {reason}")
            continue
        if rows:
            write_study(out, f"by_{column}", rows)
            print((out / f"by_{column}.md").read_text())
    print(f"Tables and pictures are in {out}.")


if __name__ == "__main__":
    main()
