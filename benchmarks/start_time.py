"""How long inference takes from the command to the pixels of the first image, beyond ``import monai.bundle``.

``python benchmarks/start_time.py [--bundle bundle] [--against OTHER] [--repeats 5]``: processor seconds of each part in
one process, so that what the import takes on a busy machine does not blur what comes after it. Runs are interleaved,
after one that leaves compiled Python behind; medians.
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

#: Runs a module as ``python -m`` does; prints the processor seconds of its import and from there to the last opening
#: of one file.
RUN = """
import os, runpy, sys, time
image, module, seconds = sys.argv[1], sys.argv[2], []
__import__(module)
imported = time.process_time()
def note(event, arguments):
    if event == "open" and str(arguments[0]) == image:
        seconds.append(time.process_time())
sys.addaudithook(note)
sys.argv = [module, *sys.argv[3:]]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    print("SECONDS", imported, seconds[-1] - imported)
"""


def start(bundle: Path) -> tuple[float, float]:
    """Processor seconds of ``import monai.bundle``, and from there until the pixels of the one image are read."""
    # Compiled Python is kept, as on a user's machine.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", RUN, str(IMAGE), "monai.bundle", "run", "inference"]
        command += ["--config_file", "configs/inference.json", "--dataset_dir", str(IMAGE), "--output_dir", folder]
        # DICOM results would open the image once more, at the run's end.
        command += ["--num_workers", "0", "--num_writers", "0", "--dicom_results", "false"]
        done = subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True, check=True)
    imported, own = next(line for line in done.stdout.splitlines() if line.startswith("SECONDS")).split()[1:]
    return float(imported), float(own)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="the bundle's folder")
    parser.add_argument("--against", type=Path, help="another bundle's folder, measured in the same run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each")
    arguments = parser.parse_args()
    bundles = [arguments.bundle.resolve()] + ([arguments.against.resolve()] if arguments.against else [])
    for bundle in bundles:
        start(bundle)
    runs = [(bundle, *start(bundle)) for _ in range(arguments.repeats) for bundle in bundles]
    imports = statistics.median(imported for _, imported, _ in runs)
    print(f"| | processor s |\n|---|---|\n| import monai.bundle | {imports:.2f} |")
    for bundle in bundles:
        print(f"| {bundle} | {statistics.median(own for one, _, own in runs if one == bundle):.2f} |")


if __name__ == "__main__":
    main()
