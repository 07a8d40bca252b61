"""How long inference takes from the command to the pixels of the first image, beside ``import monai.bundle`` alone.

``python benchmarks/start_time.py [--bundle bundle] [--against OTHER] [--repeats 5]``: processor seconds, the runs
interleaved, medians. The difference to ``import monai.bundle`` is this bundle's share.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
IMAGE = BUNDLE / "sample_data" / "dicom" / "SAMPLE-001" / "us.dcm"

#: Runs a module as ``python -m`` does, and prints the processor seconds at the last opening of one file.
RUN = """
import os, runpy, sys, time
image, module, seconds = sys.argv[1], sys.argv[2], []
def note(event, arguments):
    if event == "open" and str(arguments[0]) == image:
        seconds.append(time.process_time())
sys.addaudithook(note)
sys.argv = [module, *sys.argv[3:]]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    print("SECONDS", seconds[-1])
"""
IMPORT = "import time, monai.bundle; print('SECONDS', time.process_time())"


def processor_seconds(command: list[str], folder: Path) -> float:
    """What a process printed after ``SECONDS``, run alone on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return float(next(line for line in done.stdout.splitlines() if line.startswith("SECONDS")).split()[1])


def start(bundle: Path) -> float:
    """Processor seconds of one inference until the pixels of its one image are read."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", RUN, str(IMAGE), "monai.bundle", "run", "inference"]
        command += ["--config_file", "configs/inference.json", "--dataset_dir", str(IMAGE), "--output_dir", folder]
        return processor_seconds([*command, "--num_workers", "0", "--num_writers", "0"], bundle)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="the bundle's folder")
    parser.add_argument("--against", type=Path, help="another bundle's folder, measured in the same run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each")
    arguments = parser.parse_args()
    bundles = [arguments.bundle.resolve()] + ([arguments.against.resolve()] if arguments.against else [])
    alone: list[float] = []
    seconds: dict[Path, list[float]] = {bundle: [] for bundle in bundles}
    for _ in range(arguments.repeats):
        alone.append(processor_seconds([sys.executable, "-c", IMPORT], BUNDLE))
        for bundle in bundles:
            seconds[bundle].append(start(bundle))
    base = statistics.median(alone)
    print(f"| | processor s | of it this bundle's |\n|---|---|---|\n| import monai.bundle | {base:.2f} | |")
    for bundle, values in seconds.items():
        print(f"| {bundle} | {statistics.median(values):.2f} | {statistics.median(values) - base:.2f} |")


if __name__ == "__main__":
    main()
