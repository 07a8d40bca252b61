"""Bundle runs in processes of their own, for the benchmarks that train: each is run once and then kept."""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")
BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))

from scripts.data import load_datalist  # noqa: E402
from scripts.errors import BundleError  # noqa: E402
from scripts.evaluation.bootstrap import NotComputable  # noqa: E402
from scripts.evaluation.cases import CaseTable  # noqa: E402
from scripts.evaluation.comparison import paired_comparison  # noqa: E402
from scripts.evaluation.metrics import METRICS  # noqa: E402
from scripts.networks import weights_digest  # noqa: E402
from scripts.sites import load_site  # noqa: E402

#: What the lesions of these tables can be.
CLASSES = load_site("breast_ultrasound", BUNDLE).classes

#: A training that never looks at the validation section, and does not wait for it to be loaded.
BLIND = {"val_interval": 1000, "validate#dataset#cache_num": 0}

#: Configs that tables are made with, besides those of peers.
CONFIGS = ("adapter", "align", "train", "disk_cache", "evaluate", "calibrate", "study")

#: BUSI as the weights of this repository were trained and measured on it: sections, groups, and what was left out.
BUSI_LIST = Path(__file__).with_name("busi_datalist.json")
#: The compact encoder's weights before the pretrained encoder, by SHA-256 (2115f87:bundle/models/model.pt).
COMPACT = "1cebefe316b582a42999ccdec3b1718733052ea87dfb1cd5bfd9d4d33c36844c"

#: Columns of the tables: metric, and the cases it is of.
COLUMNS = {
    "Dice": ("dice", {}),
    "Dice, smallest third": ("dice", {"size": "small"}),
    "Dice, gate off": ("dice_gate_off", {}),
    "Dice, gate off, smallest third": ("dice_gate_off", {"size": "small"}),
    "AUC": ("auc", {}),
    "AUC, gate off": ("auc_gate_off", {}),
}


def run(verb: str, configs: Sequence[str], options: Mapping[str, object], folder: Path) -> None:
    """One bundle run into a folder, unless it is finished there."""
    finished, log = folder / f".{verb}_finished", folder / f"{verb}.txt"
    if finished.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = str([f"configs/{name}.json" for name in configs])
    command = [sys.executable, "-m", "monai.bundle", "run", verb, "--config_file", files]
    for name, value in {**options, "output_dir": folder}.items():
        command += [f"--{name}", str(value)]
    print(f"{verb}: {folder}", flush=True)
    with log.open("w") as file:
        done = subprocess.run(command, cwd=BUNDLE, stdout=file, stderr=subprocess.STDOUT, env=os.environ)
    if done.returncode:
        sys.exit(f"{verb} failed with exit code {done.returncode}; see {log}.")
    finished.touch()


def side_by_side(tasks: Sequence[Callable[[], T]], jobs: int) -> list[T]:
    """What the tasks return, so many run at a time; the cores are shared out among them.

    On a CPU, trainings of one thread each are faster together than trainings of several threads in turn.
    """
    if jobs > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // jobs, 1)))
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """The option ``--jobs`` of :func:`side_by_side`."""
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; as many as cores on a CPU")


def dataset_folders(text: str) -> str:
    """``--dataset_dir`` as the bundle takes it, with absolute paths: a folder, or a list of folders.

    Raises:
        SystemExit: two folders have the same name, by which tables tell data sets.
    """
    folders = ast.literal_eval(text) if text.startswith("[") else [text]
    folders = [Path(folder).resolve() for folder in folders]
    if len({folder.name for folder in folders}) < len(folders):
        sys.exit("Two data sets have the same folder name; rename one.")
    return str([str(folder) for folder in folders])


def common_options(arguments: argparse.Namespace) -> dict[str, str]:
    """What all runs of a table share: data sets, working size and seed."""
    return {
        "dataset_dir": dataset_folders(arguments.dataset_dir),
        "image_size": arguments.image_size,
        "seed": arguments.seed,
    }


def configs_digest() -> str:
    """SHA-256 of the configs that tables are made with, whose defaults are settings too. It says nothing of code."""
    files = [BUNDLE / "configs" / f"{name}.json" for name in CONFIGS]
    files += [path for name in ("peers", "sites") for path in sorted((BUNDLE / "configs" / name).glob("*.json"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def check_settings(settings: Mapping[str, object], out: Path) -> None:
    """Rows of other settings, or of other configs, must not stand in one table.

    Raises:
        SystemExit: the folder holds such rows.
    """
    path, settings = out / "settings.json", {**settings, "configs": configs_digest()}
    if path.exists() and json.loads(path.read_text()) != settings:
        sys.exit(f'"{out}" holds runs of other settings or configs ({path.name}); choose another --output_dir.')
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1) + "\n")


def refuse_learned_images(weights: Path, dataset_dir: str) -> None:
    """Weights of this repository are not measured on images of BUSI that they have learned from: its training section.

    Args:
        weights: any; of others than those of this repository nothing is known, and nothing refused.
        dataset_dir: of :func:`dataset_folders`.

    Raises:
        SystemExit: images that validate here have taught the weights.
    """
    if weights_digest(weights) not in (COMPACT, weights_digest(BUNDLE / "models/model.pt")):
        return
    names = {Path(item["image"]).name for item in json.loads(BUSI_LIST.read_text())["training"]}
    validating = load_datalist(ast.literal_eval(dataset_dir), "validation", CLASSES)
    count = sum(Path(item["image"]).name in names for item in validating)
    if count:
        sys.exit(
            f'The weights "{weights}" have learned from {count} of the images that validate here. Put {BUSI_LIST.name} '
            "into BUSI's folder as datalist.json; or give weights of your own."
        )


def read_cases(folder: Path) -> CaseTable:
    """The cases of an evaluation, by the folder that it wrote."""
    return CaseTable.read(folder / "cases.csv", CLASSES)


def all_of(table: CaseTable, of: Mapping[str, str]) -> np.ndarray:
    """Which cases have these values in these columns, shape (N,)."""
    return np.all([table[name] == value for name, value in of.items()] or [np.full(len(table), True)], axis=0)


def value_of(table: CaseTable, metric: str, of: Mapping[str, str]) -> float:
    """A metric of those cases that have these values in these columns.

    Raises:
        NotComputable: they do not define it.
    """
    cases = METRICS[metric].cases(table.select(all_of(table, of)))
    return float(METRICS[metric].on(cases, np.ones((1, len(cases))))[0])


def figure_of(table: CaseTable, metric: str, of: Mapping[str, str]) -> float | None:
    """:func:`value_of`, or None where the cases do not define it."""
    try:
        return value_of(table, metric, of)
    except NotComputable:
        return None


def compare(first: CaseTable, second: CaseTable, metric: str, of: Mapping[str, str], **options: str) -> dict:
    """:func:`paired_comparison` on those cases that have these values in these columns."""
    return paired_comparison(first.select(all_of(first, of)), second.select(all_of(second, of)), metric, **options)


def margin(first: CaseTable, second: CaseTable, metric: str, of: Mapping[str, str], **options: str) -> str:
    """A cell of a table of comparisons; the reason where there is none: its trainings took hours."""
    try:
        return with_interval(compare(first, second, metric, of, **options))
    except BundleError as reason:
        return f"absent: {reason}"


def with_interval(compared: Mapping) -> str:
    """A difference as a cell of a table."""
    low, high = compared["interval"]
    return f"{compared['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
