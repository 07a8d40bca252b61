"""A simulation of scale: many rows through `run archive` as it is, but for the network, whose first answer is repeated.

Prints memory and cost over the run and an estimate for a million images; draws the memory over time::

    python benchmarks/archive_scale.py --rows 100000 --workers 2 --output_dir output/archive_scale

The images are small and alike, on a local disk, and overlays, figures and DICOM results are off: what is measured is
the engine (Ray Data, shards, tables), decoding of small pictures, postprocessing and masks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from inference_speed import process_tree
from PIL import Image

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path[:0] = [str(BUNDLE), str(Path(__file__).parent)]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # of the workers
PARTS = 10


def make_inputs(folder: Path, rows: int) -> None:
    """As many pictures, a thousand a folder; those of a folder are one, by a thousand names."""
    draw = np.random.default_rng(0)
    for number in range(rows):
        path = folder / f"{number // 1000:05d}" / f"{number:07d}.png"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
            first = path
            Image.fromarray(draw.integers(0, 255, (96, 96), np.uint8)).save(first)
        else:
            os.link(first, path)


class Memory(threading.Thread):
    """Resident memory of this process and of the workers, in MB, and how many shards are there, over time."""

    def __init__(self, shards: Path) -> None:
        super().__init__(daemon=True)
        self.shards = shards
        self.samples: list[tuple[float, float, float, int]] = []

    def run(self) -> None:
        """Sample until the process ends."""
        begin = time.monotonic()
        while True:
            workers = [resident(process) for process in process_tree(os.getpid()) if "Analyse" in command(process)]
            done = len(list(self.shards.glob("rows-*.parquet")))
            self.samples.append((time.monotonic() - begin, resident(os.getpid()), max(workers, default=0.0), done))
            time.sleep(2.0)


def resident(process: int) -> float:
    """Memory of a process in MB; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def command(process: int) -> str:
    """The command line of a process; "" where it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")[:100]
    except OSError:
        return ""


def run(arguments: argparse.Namespace, out: Path) -> Any:
    """The run, from the configs that a user has."""
    from monai.bundle import ConfigWorkflow

    workflow = ConfigWorkflow(
        config_file=[str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "archive")],
        workflow_type="infer", logging_file=False, bundle_root=str(BUNDLE), output_dir=str(out),
        dataset_dir=str(arguments.output_dir / "in"), workers=arguments.workers, batch_size=16,
        overlays=False, evidence_figures=False, any_image=True,
        inferer={"_target_": "repeated_answer.RepeatedAnswer"},
    )  # fmt: skip
    workflow.initialize()
    workflow.run()


def table(samples: list[tuple[float, float, float, int]], rows: int) -> list[str]:
    """Memory and cost by tenths of the shards, while they were made."""
    total = samples[-1][3]
    samples = while_shards_come(samples)
    lines = ["| rows done | seconds per 1,000 rows | driver, MB | largest worker, MB |", "|---|---|---|---|"]
    for part in range(PARTS):
        low, high = (total * (part + step) / PARTS for step in (0, 1))
        of = [sample for sample in samples if low <= sample[3] <= high and sample[3] > 0]
        if len(of) < 2 or of[-1][3] == of[0][3]:
            continue
        each = (of[-1][0] - of[0][0]) / ((of[-1][3] - of[0][3]) * rows / total) * 1000
        lines.append(f"| {round(of[-1][3] / total * rows):,} | {each:.1f} | {of[-1][1]:.0f} | {of[-1][2]:.0f} |")
    return lines


def while_shards_come(samples: list[tuple[float, float, float, int]]) -> list[tuple[float, float, float, int]]:
    """The samples from the first shard of results to the last."""
    end = next(number for number, sample in enumerate(samples) if sample[3] == samples[-1][3])
    return [sample for sample in samples[: end + 1] if sample[3] > 0]


def draw(samples: list[tuple[float, float, float, int]], path: Path) -> None:
    """Memory over time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    seconds, driver, worker, _ = zip(*samples, strict=True)
    figure, axes = plt.subplots(figsize=(7, 3.5))
    axes.plot([second / 60 for second in seconds], driver, label="driver")
    axes.plot([second / 60 for second in seconds], worker, label="largest worker")
    axes.set(xlabel="minutes", ylabel="resident memory, MB", ylim=(0, None), title="run archive, network stubbed")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Simulate, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--network_seconds", type=float, default=0.1, help="of one image, see inference_speed.py")
    parser.add_argument("--output_dir", type=Path, default=Path("output/archive_scale"))
    arguments = parser.parse_args()
    out = arguments.output_dir / "out"
    make_inputs(arguments.output_dir / "in", arguments.rows)
    memory = Memory(out / "shards")
    memory.start()
    begin = time.monotonic()
    run(arguments, out)
    wall = time.monotonic() - begin
    samples = list(memory.samples)
    draw(samples, arguments.output_dir / "memory.png")
    (arguments.output_dir / "memory.json").write_text(json.dumps(samples))
    seconds = json.loads((out / "summary.json").read_text())["seconds"]
    steady = while_shards_come(samples)
    rows = (steady[-1][3] - steady[0][3]) * arguments.rows / steady[-1][3]
    core = (steady[-1][0] - steady[0][0]) * arguments.workers / rows  # without the start of the workers
    serial = (seconds["writing"] + seconds["report"]) / arguments.rows
    print("\n".join(table(samples, arguments.rows)))
    print(f"\n{arguments.rows:,} rows, {arguments.workers} workers, {wall:.0f} s; by step: {seconds}")
    print(f"{core * 1000:.1f} ms of a worker for each row without the network, {serial * 1000:.1f} ms for the tables.")
    most = (max(sample[column] for sample in samples) for column in (1, 2))
    print("Most memory of the driver and of a worker: {:.0f} and {:.0f} MB".format(*most))
    for machines in (1, 4, 16):
        hours = 1e6 * (core + arguments.network_seconds) / (machines * 16) / 3600
        end = 1e6 * serial / 3600
        print(f"A million images, {machines} machines of 16 cores: {hours:.1f} h of analysis, {end:.1f} h of tables")
    assumed = f"a worker a core, {arguments.network_seconds} s of network an image, storage that keeps up"
    print(f"(assumed: {assumed}, tables in proportion to the rows; listing and looking into files come on top)")


if __name__ == "__main__":
    main()
