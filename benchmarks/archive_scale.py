"""A simulation of scale: many rows through `run archive` as it is, but for the network, whose first answer is repeated.

Prints memory and cost over the run and an estimate for a million images; draws the memory over time::

    python benchmarks/archive_scale.py --rows 100000 --workers 2 --output_dir output/archive_scale

The images are small and alike, on a local disk, nothing is found in them, and overlays, figures and DICOM results are
off: what is measured is the engine (Ray Data, shards, tables), decoding of small pictures, the way to the network and
back, and masks. Cost is processor time, which a busy machine hardly changes. A run that was stopped (``--minutes``
stops it by itself) goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from inference_speed import process_tree
from PIL import Image

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path[:0] = [str(BUNDLE), str(Path(__file__).parent)]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # of the workers

from scripts.errors import find_bundle_error  # noqa: E402
from scripts.writing.files import whole_folder  # noqa: E402

PARTS = 10


def make_inputs(folder: Path, rows: int) -> None:
    """One picture by as many names, a thousand a folder."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96), np.uint8))
    for number in range(rows):
        path = folder / f"{number // 1000:05d}" / f"{number:07d}.png"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
            first = path
            picture.save(first)
        else:
            os.link(first, path)


@dataclass(frozen=True)
class Sample:
    """One look at the run.

    Attributes:
        seconds: since its start, without the time between its parts.
        driver: its resident memory, MB.
        worker: that of the largest worker, MB.
        shards: of results that are there.
        processor: seconds that all workers have used.
    """

    seconds: float
    driver: float
    worker: float
    shards: int
    processor: float


class Watch(threading.Thread):
    """Looks at this process and its workers every other second, and keeps what it sees in a file.

    Args:
        shards: their folder.
        journal: the file, a sample a line; one that is there is gone on with.
    """

    def __init__(self, shards: Path, journal: Path) -> None:
        super().__init__(daemon=True)
        self.shards, self.journal = shards, journal
        lines = journal.read_text().splitlines() if journal.exists() else []
        self.samples = [Sample(**json.loads(line)) for line in lines]

    def run(self) -> None:
        """Sample until the process ends."""
        before, begin = self.samples[-1] if self.samples else Sample(0, 0, 0, 0, 0), time.monotonic()
        used: dict[int, float] = {}
        with self.journal.open("a") as file:
            while True:
                workers = [process for process in process_tree(os.getpid()) if "Analyse" in command(process)]
                used |= {process: max(used.get(process, 0.0), processor(process)) for process in workers}
                now = Sample(
                    before.seconds + time.monotonic() - begin,
                    resident(os.getpid()),
                    max(map(resident, workers), default=0.0),
                    len(list(self.shards.glob("rows-*.parquet"))),
                    before.processor + sum(used.values()),
                )
                self.samples.append(now)
                print(json.dumps(asdict(now)), file=file, flush=True)
                time.sleep(2.0)


def processor(process: int) -> float:
    """Seconds of processor time of a process; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


def table(samples: list[Sample], rows: int) -> list[str]:
    """Memory and cost by tenths of the shards, while they were made."""
    total = samples[-1].shards
    samples = while_shards_come(samples)
    lines = ["| rows done | minutes | processor ms a row | driver, MB | largest worker, MB |", "|---|---|---|---|---|"]
    for part in range(PARTS):
        low, high = (total * (part + step) / PARTS for step in (0, 1))
        of = [sample for sample in samples if low <= sample.shards <= high]
        if len(of) < 2 or of[-1].shards == of[0].shards:
            continue
        first, last = of[0], of[-1]
        each = (last.processor - first.processor) / ((last.shards - first.shards) * rows / total) * 1000
        done = f"{round(last.shards / total * rows):,}"
        lines.append(f"| {done} | {last.seconds / 60:.0f} | {each:.1f} | {last.driver:.0f} | {last.worker:.0f} |")
    return lines


def while_shards_come(samples: list[Sample]) -> list[Sample]:
    """The samples from the first shard of results to the last."""
    end = next(number for number, sample in enumerate(samples) if sample.shards == samples[-1].shards)
    return [sample for sample in samples[: end + 1] if sample.shards > 0]


def draw(samples: list[Sample], path: Path) -> None:
    """Memory over time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5))
    minutes = [sample.seconds / 60 for sample in samples]
    axes.plot(minutes, [sample.driver for sample in samples], label="driver")
    axes.plot(minutes, [sample.worker for sample in samples], label="largest worker")
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
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    parser.add_argument("--output_dir", type=Path, default=Path("output/archive_scale"))
    arguments = parser.parse_args()
    out = arguments.output_dir / "out"
    if not (arguments.output_dir / "in").exists():
        with whole_folder(arguments.output_dir / "in") as folder:
            make_inputs(folder, arguments.rows)
    watch = Watch(out / "shards", arguments.output_dir / "memory.jsonl")
    watch.start()
    if arguments.minutes:
        stop = threading.Timer(60 * arguments.minutes, os.kill, (os.getpid(), signal.SIGINT))
        stop.daemon = True
        stop.start()
    try:
        run(arguments, out)
    except Exception as error:
        known = find_bundle_error(error)
        if known is None:
            raise
        sys.exit(f"{watch.samples[-1].shards} shards of results are there. {known}")
    finish(list(watch.samples), arguments, json.loads((out / "summary.json").read_text())["seconds"])


def finish(samples: list[Sample], arguments: argparse.Namespace, seconds: dict[str, float]) -> None:
    """Print and draw what was seen; ``seconds`` are those of summary.json."""
    draw(samples, arguments.output_dir / "memory.png")
    steady = while_shards_come(samples)
    rows = (steady[-1].shards - steady[0].shards) * arguments.rows / steady[-1].shards
    core = (steady[-1].processor - steady[0].processor) / rows  # without the start of the workers
    serial = (seconds["writing"] + seconds["report"]) / arguments.rows
    print("\n".join(table(samples, arguments.rows)))
    print(f"\n{arguments.rows:,} rows, {arguments.workers} workers, {samples[-1].seconds:.0f} s; by step: {seconds}")
    print(f"{core * 1000:.1f} ms of a worker for each row without the network, {serial * 1000:.1f} ms for the tables.")
    most = (max(getattr(sample, name) for sample in samples) for name in ("driver", "worker"))
    print("Most memory of the driver and of a worker: {:.0f} and {:.0f} MB".format(*most))
    for machines in (1, 4, 16):
        hours = 1e6 * (core + arguments.network_seconds) / (machines * 16) / 3600
        end = 1e6 * serial / 3600
        print(f"A million images, {machines} machines of 16 cores: {hours:.1f} h of analysis, {end:.1f} h of tables")
    assumed = f"a worker a core, {arguments.network_seconds} s of network an image, storage that keeps up"
    print(f"(assumed: {assumed}, tables in proportion to the rows; listing and looking into files come on top)")


if __name__ == "__main__":
    main()
