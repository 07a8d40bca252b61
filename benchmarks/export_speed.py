"""Speed of the exported network against the network itself, on real images, turn by turn in one process.

``python benchmarks/export_speed.py`` reads ``bundle/models/model.onnx`` and, where it exists, ``model.ts`` (see
``bundle/docs/exports.md``), and prints milliseconds per image in batches of 1 and of 8, processor time of all threads
beside wall time, and the largest difference of any output. Times are medians and hold on this machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch
from monai.bundle import ConfigParser
from torch import Tensor

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"


def load(threads: int) -> tuple[Tensor, dict[str, Callable[[Tensor], Tensor]]]:
    """Eight sample images (8, 3, S, S), and what there is to run on them, by name.

    Raises:
        SystemExit: nothing is exported.
    """
    sys.path.insert(0, str(BUNDLE))
    torch.set_num_threads(threads)
    config = ConfigParser()
    config.read_config(BUNDLE / "configs" / "inference.json")
    config.update({"bundle_root": str(BUNDLE), "device": "$torch.device('cpu')"})
    preprocessing = config.get_parsed_content("preprocessing")
    paths = sorted((BUNDLE / "sample_data" / "training" / "images").glob("*.png"))[:8]
    images = torch.stack([preprocessing({"image": str(path)})["image"].as_tensor() for path in paths])
    runs: dict[str, Callable[[Tensor], Tensor]] = {"eager": config.get_parsed_content("network").eval()}
    scripted, onnx = BUNDLE / "models" / "model.ts", BUNDLE / "models" / "model.onnx"
    if not onnx.is_file():
        raise SystemExit(f"{onnx} does not exist; make it as bundle/docs/exports.md says.")
    if scripted.is_file():
        runs["TorchScript"] = torch.jit.load(scripted).eval()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    runs["ONNX Runtime"] = lambda batch: torch.from_numpy(session.run(None, {"image": batch.numpy()})[0])
    return images, runs


def measure(images: Tensor, runs: dict[str, Callable[[Tensor], Tensor]], size: int, rounds: int) -> dict[str, float]:
    """Median milliseconds per image in batches of this size, by name, wall and processor time."""
    wall: dict[str, list[float]] = {name: [] for name in runs}
    used: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            at, processor = time.perf_counter(), time.process_time()
            for batch in images.split(size):
                run(batch)
            if number >= 2:  # TorchScript and ONNX Runtime settle in their first calls
                wall[name].append(time.perf_counter() - at)
                used[name].append(time.process_time() - processor)
    scale = 1000 / len(images)
    result = {f"{name}, batches of {size}, ms": scale * statistics.median(wall[name]) for name in runs}
    return result | {f"{name}, batches of {size}, processor ms": scale * statistics.median(used[name]) for name in runs}


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often all take turns")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="threads of each")
    arguments = parser.parse_args()
    images, runs = load(arguments.threads)
    result: dict[str, float] = {"threads": arguments.threads}
    with torch.inference_mode():
        expected = runs["eager"](images)
        for name, run in runs.items():
            result[f"{name}, largest difference"] = (run(images) - expected).abs().max().item()
        for size in (1, 8):
            result |= measure(images, runs, size, arguments.rounds)
    print(json.dumps({name: float(f"{value:.3g}") for name, value in result.items()}, indent=1))


if __name__ == "__main__":
    main()
