r"""The table of forgetting in ``sites.md``: what the breast loses when the default weights learn another site.

    python benchmarks/forgetting.py --breast BUSI --output_dir out/sites --lists "{'thyroid_ultrasound': 'DDTI'}"

Runs after ``benchmarks/sites.py`` in the same folder, with its lists. For each site it trains the whole network on the
site's list (sequential fine-tuning), the same with the breast's training list beside it (replay; where both are gray),
averages sequential and default weights, and measures all on the breast's and the site's validation sections. An adapter
leaves the breast's weights as they are, so that its row needs no run on the breast.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from bundle_runs import CLASSES, run
from sites import Bench, add_options, benches
from subgroups import with_interval
from torch import Tensor

from scripts.data import load_datalist
from scripts.evaluation.cases import CaseTable
from scripts.networks.adapters import read_adapter
from scripts.networks.checkpoints import read_checkpoint
from scripts.sites import LESION
from scripts.writing.tables import write_study

#: Of the whole network; an adapter's is higher.
LEARNING_RATE = 0.0006
#: What stays the breast's when its weights are asked again: the question, the diagnosis, and what was fitted.
BREASTS_OWN = (
    "prompt_embedding", "evidence_t", "diagnosis_", "indeterminate_band", "reliability_threshold",
)  # fmt: skip


def as_breast(state: Mapping[str, Tensor], default: Mapping[str, Tensor], path: Path) -> Path:
    """Weights for the breast of a network that has learned something else, with the breast's own question and head."""
    kept = {name: value for name, value in state.items() if not name.startswith(BREASTS_OWN)}
    torch.save({**default, **kept}, path)
    return path


def breast_cases(breast: Path, weights: Path, out: Path) -> CaseTable:
    """The cases of the breast's validation section under weights."""
    options = {"dataset_dir": breast, "weights": weights, "adapter": "none"}
    run("evaluation", ("train", "evaluate"), options, out)
    return CaseTable.read(out / "cases.csv", CLASSES)


def replay_list(breast: Path, folder: Path) -> Path:
    """The breast's training list in the words of a site without classes."""
    items = load_datalist(breast, "training", CLASSES)
    told = [
        {
            "image": item["image"],
            "label": item["label"],
            "group": item["group"],
            "diagnosis": CLASSES.absent if item["diagnosis"] == CLASSES.absent else LESION,
        }
        for item in items
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "datalist.json").write_text(json.dumps({"training": told, "validation": []}))
    return folder


def rows_of(bench: Bench, breast: Path) -> list[dict[str, object]]:
    """Each way to learn a site, and what the breast and the site are worth afterwards."""
    default = read_checkpoint(bench.weights)
    whole = {"rank": 0, "learning_rate": LEARNING_RATE}
    learned = {"sequential": read_adapter(bench.train_adapter(bench.out / "sequential", **whole))}
    if bench.site.gray and not bench.site.classes.names:
        both = [str(bench.folder), str(replay_list(breast, bench.out / "replayed"))]
        cache = {"dataset_dir": both, "cache_dir": bench.out / "cache_replay"}
        learned["replay"] = read_adapter(bench.train_adapter(bench.out / "replay", **whole, **cache))
    tuned = learned["sequential"]
    mean = {
        name: (default[name].float() + value.float()) / 2
        if value.is_floating_point() and name in default and default[name].shape == value.shape
        else value
        for name, value in tuned["tensors"].items()
    }
    learned["average of both"] = {**tuned, "tensors": mean}
    before = breast_cases(breast, bench.weights, bench.out.parent / "breast_default")
    rows = [
        {
            "learned": "nothing (the default)",
            "Dice, breast": with_interval(before, "dice"),
            f"Dice, {bench.name}": with_interval(bench.evaluate("untouched", adapter=bench.untouched()), "dice"),
        }
    ]
    for called, content in learned.items():
        folder = bench.out / called.replace(" ", "_")
        folder.mkdir(exist_ok=True)
        torch.save(content, folder / "whole.pt")
        weights = as_breast(content["tensors"], default, folder / "breast.pt")
        rows.append(
            {
                "learned": called,
                "Dice, breast": with_interval(breast_cases(breast, weights, folder / "breast"), "dice"),
                f"Dice, {bench.name}": with_interval(bench.evaluate(folder.name, adapter=folder / "whole.pt"), "dice"),
            }
        )
    adapter = with_interval(bench.evaluate("adapter", adapter=bench.train_adapter()), "dice")
    unchanged = f"{rows[0]['Dice, breast']}, the same bits"
    return [*rows, {"learned": "adapter", "Dice, breast": unchanged, f"Dice, {bench.name}": adapter}]


def main() -> None:
    """Run what is missing, then write a table for each site."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--breast", type=Path, required=True, help="a data set of the breast, such as BUSI")
    arguments = parser.parse_args()
    out = arguments.output_dir.resolve()
    for bench in benches(arguments):
        write_study(out, f"forgetting_{bench.name}", rows_of(bench, arguments.breast.resolve()))
        print((out / f"forgetting_{bench.name}.md").read_text())


if __name__ == "__main__":
    main()
