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

from scripts.errors import BundleError  # noqa: E402
from scripts.reporting.evaluation_cases import CaseTable  # noqa: E402
from scripts.reporting.evaluation_comparison import paired_comparison  # noqa: E402
from scripts.reporting.evaluation_metrics import METRICS  # noqa: E402

#: A training that never looks at the validation section, and does not wait for it to be loaded.
BLIND = {"val_interval": 1000, "validate#dataset#cache_num": 0}

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
    """``--dataset_dir`` as the bundle takes it, with absolute paths: a folder, or a list of folders."""
    folders = ast.literal_eval(text) if text.startswith("[") else [text]
    return str([str(Path(folder).resolve()) for folder in folders])


def common_options(arguments: argparse.Namespace) -> dict[str, str]:
    """What all runs of a table share: data sets, working size and seed."""
    return {
        "dataset_dir": dataset_folders(arguments.dataset_dir),
        "image_size": arguments.image_size,
        "seed": arguments.seed,
    }


def configs_digest() -> str:
    """SHA-256 of the bundle's configs, whose defaults are settings too; metadata describes and changes nothing."""
    files = [path for path in sorted((BUNDLE / "configs").rglob("*.json")) if path.name != "metadata.json"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def check_settings(settings: Mapping[str, object], out: Path) -> None:
    """Rows of other settings, or of other configs, must not stand in one table."""
    path, settings = out / "settings.json", {**settings, "configs": configs_digest()}
    if path.exists() and json.loads(path.read_text()) != settings:
        sys.exit(f'"{out}" holds runs of other settings or configs ({path.name}); choose another --output_dir.')
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1) + "\n")


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


def compare(first: CaseTable, second: CaseTable, metric: str, of: Mapping[str, str], **options: str) -> dict:
    """:func:`paired_comparison` on those cases that have these values in these columns."""
    return paired_comparison(first.select(all_of(first, of)), second.select(all_of(second, of)), metric, **options)


def margin(first: CaseTable, second: CaseTable, metric: str, of: Mapping[str, str], **options: str) -> str:
    """A cell of a table of comparisons; the reason where there is none: its trainings took hours."""
    try:
        return told(compare(first, second, metric, of, **options))
    except BundleError as reason:
        return f"absent: {reason}"


def told(compared: Mapping) -> str:
    """A difference with its interval."""
    low, high = compared["interval"]
    return f"{compared['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
