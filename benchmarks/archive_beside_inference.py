"""`run archive` beside `run inference` on the same images, both as commands: the same rows, and what the engine costs.

``python benchmarks/archive_beside_inference.py [--images 24] [--pictures BUSI/benign] [--workers 2]`` takes copies of
the sample DICOM images, and as many pictures of a folder, masks left out; then compares the tables cell by cell.
Processor time is that of all processes, sampled; a run over two images alone tells how much of it is the start of
Python, of Ray and of its workers. Needs requirements-archive.txt.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from archive_scale import processor
from inference_speed import BUNDLE, copy_samples, memory_mb, process_tree

TABLES = ("predictions.csv", "lesions.csv", "studies.csv")
LOOK_SECONDS = 0.25
FEW = 2


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds by the clock, processor seconds of all its processes, most memory in MB."""

    wall: float
    processor: float
    memory: float


def run(name: str, source: Path, out: Path, *options: str) -> Cost:
    """Run a command of the bundle to its end.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    configs = ["configs/inference.json", *([] if name == "inference" else [f"configs/{name}.json"])]
    command = [sys.executable, "-m", "monai.bundle", "run", name, "--config_file", str(configs), *options]
    command += ["--dataset_dir", str(source), "--output_dir", str(out)]
    used: dict[int, float] = {}
    most, started, log = 0.0, time.perf_counter(), out.with_suffix(".log")
    with open(log, "w") as file, subprocess.Popen(command, cwd=BUNDLE, stdout=file, stderr=file) as process:
        while process.poll() is None:
            pids = process_tree(process.pid)
            used |= {pid: max(used.get(pid, 0.0), processor(pid)) for pid in pids}
            most = max(most, memory_mb(pids))
            time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise SystemExit(log.read_text())
    return Cost(time.perf_counter() - started, sum(used.values()), most)


def make_inputs(folder: Path, images: int, pictures: Path | None) -> None:
    """Copies of the sample DICOM images, and as many pictures of another folder."""
    (folder / "dicom").mkdir(parents=True)
    copy_samples(folder / "dicom", images)
    if pictures is not None:
        (folder / "pictures").mkdir()
        chosen = [path for path in sorted(pictures.glob("*.png")) if "_mask" not in path.name]
        for path in chosen[:images]:
            shutil.copy(path, folder / "pictures")


def difference(first: Path, second: Path) -> tuple[int, int]:
    """How many rows the tables of two runs have, and in how many of them something differs."""
    rows, other = 0, 0
    for name in TABLES:
        tables = [list(csv.reader((folder / name).open(newline="", encoding="utf-8"))) for folder in (first, second)]
        rows += len(tables[0]) - 1
        other += sum(a != b for a, b in zip(*tables, strict=True))
    return rows, other


def main() -> None:
    """Run both, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--pictures", type=Path, help="a folder with PNG images")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    runs = {"inference": (), "archive": ("--workers", str(arguments.workers), "--shard_files", "8")}
    print("| run | images | wall s | processor s | start, processor s | peak memory, MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        every, few = Path(scratch, "every"), Path(scratch, "few")
        make_inputs(every, arguments.images, arguments.pictures)
        make_inputs(few, FEW, None)
        images = sum(path.is_file() for path in every.rglob("*"))
        for name, options in runs.items():
            start = run(name, few, Path(scratch, f"{name} few"), *options)
            cost = run(name, every, Path(scratch, name), *options)
            told = f"{cost.wall:.0f} | {cost.processor:.0f} | {start.processor:.0f} | {cost.memory:.0f}"
            print(f"| `{name}` | {images} | {told} |", flush=True)
        rows, other = difference(Path(scratch, "inference"), Path(scratch, "archive"))
    print(f"\n{rows} rows of {', '.join(TABLES)}; {other} differ.")


if __name__ == "__main__":
    main()
