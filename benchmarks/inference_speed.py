"""Speed and memory of the default inference on two CPU cores, and the network's cost against SAM.

``python benchmarks/inference_speed.py`` runs the shipped inference over copies of the sample images, with all results
and without pictures and DICOM results, and reports images per second, with and without the start of the program,
processor time, and the peak memory of all its processes. Then, unless ``--rounds 0``, in one process, it measures the
network on one image against ``segment_anything``'s ViT-B image encoder at its 1024 pixels (random weights), turn by
turn: processor time of one thread, which a busy machine hardly changes, and operations. Ratios hold on any machine,
seconds only on this one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pydicom

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundle"
MEMORY_POLL_SECONDS = 0.1
MASKS_ALONE = ("--overlays", "false", "--evidence_figures", "false", "--dicom_results", "false")


def copy_samples(folder: Path, images: int) -> None:
    """Fill a folder with so many copies of the sample DICOM images, each with a UID of its own.

    Files of one SOPInstanceUID are analysed once.
    """
    samples = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())
    for number in range(images):
        dataset = pydicom.dcmread(samples[number % len(samples)])
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.save_as(folder / f"{number:04d}.dcm")


def process_tree(pid: int) -> list[int]:
    """A process and all its descendants, by /proc; those that have just ended are left out."""
    pids = [pid]
    for parent in pids:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                pids += map(int, children.read_text().split())
            except OSError:
                continue
    return pids


def memory_mb(pids: list[int]) -> float:
    """Proportional set size of processes, MB: pages that they share count once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pids: list[int]) -> float:
    """Processor time that living processes, and those that they have waited for, have taken so far."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def time_inference(images: int, weights: Path, options: Sequence[str] = ()) -> dict[str, float]:
    """Run the default inference over so many images.

    Args:
        images: how many.
        weights: the checkpoint.
        options: of the command, beside the default ones.

    Returns:
        images per second of the whole command and after its first mask, processor seconds, processor milliseconds of
        an image after the first mask (of two cores, 2000 over these bounds what images per second can be), peak memory
        in MB.

    Raises:
        SystemExit: the inference failed; its output is shown.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, output, log = Path(scratch, "in"), Path(scratch, "out"), Path(scratch, "log")
        source.mkdir()
        copy_samples(source, images)
        command = [sys.executable, "-m", "monai.bundle", "run", "inference"]
        command += ["--config_file", "configs/inference.json", "--weights", str(weights)]
        command += ["--dataset_dir", str(source), "--output_dir", str(output), *options]
        before = children_seconds()
        started, first_row, starting, peak = time.perf_counter(), 0.0, 0.0, 0.0
        with open(log, "w") as file, subprocess.Popen(command, cwd=BUNDLE, stdout=file, stderr=file) as process:
            while process.poll() is None:
                peak = max(peak, memory_mb(process_tree(process.pid)))
                if not first_row and any(output.glob("masks/*")):
                    first_row, starting = time.perf_counter(), processor_seconds(process_tree(process.pid))
                time.sleep(MEMORY_POLL_SECONDS)
        ended = time.perf_counter()
        if process.returncode:
            raise SystemExit(log.read_text())
    used = children_seconds() - before
    return {
        "images": images,
        "images per second, whole command": images / (ended - started),
        "images per second, once it runs": (images - 1) / (ended - first_row),
        "processor seconds, whole command": used,
        "processor ms an image, once it runs": 1000 * (used - starting) / (images - 1),
        "peak memory, MB": peak,
    }


def children_seconds() -> float:
    """Processor time of all processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def compare_with_sam(rounds: int) -> dict[str, float]:
    """Cost of one image: our network at its working size against SAM ViT-B's encoder at 1024 pixels.

    Returns:
        median milliseconds of one thread for both, their ratio, and the ratio of floating-point operations.
    """
    import torch
    from monai.bundle import ConfigParser
    from segment_anything import sam_model_registry
    from torch.utils.flop_counter import FlopCounterMode

    sys.path.insert(0, str(BUNDLE))
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    network = parser.get_parsed_content("network_def").cpu().eval()
    size = parser.get_parsed_content("image_size")
    encoder = sam_model_registry["vit_b"]().image_encoder.eval()
    small, large = torch.rand(1, 3, size, size), torch.rand(1, 3, 1024, 1024)

    def count(call: Callable[[], object]) -> int:
        with FlopCounterMode(display=False) as counter:
            call()
        return counter.get_total_flops()

    torch.set_num_threads(1)
    with torch.no_grad():
        operations = count(lambda: encoder(large)) / count(lambda: network(small))
        ours, sam = [], []
        for _ in range(rounds):
            sam.append(seconds(lambda: encoder(large)))
            ours.append(statistics.median(seconds(lambda: network(small)) for _ in range(5)))
    return {
        "network, ms per image": 1000 * statistics.median(ours),
        "SAM ViT-B encoder at 1024, ms per image": 1000 * statistics.median(sam),
        "SAM / network, processor time": statistics.median(sam) / statistics.median(ours),
        "SAM / network, operations": operations,
    }


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60, help="how many images inference gets")
    parser.add_argument("--rounds", type=int, default=3, help="how often both networks take turns; 0: not at all")
    parser.add_argument("--weights", type=Path, default=BUNDLE / "models" / "model.pt", help="checkpoint")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    result: dict[str, dict[str, float]] = {}
    for name, options in {"all results": (), "masks and tables alone": MASKS_ALONE}.items():
        result[name] = {"cores": len(cores)} | time_inference(arguments.images, arguments.weights.resolve(), options)
    if arguments.rounds:
        result["network"] = compare_with_sam(arguments.rounds)
    rounded = {name: {row: round(value, 2) for row, value in part.items()} for name, part in result.items()}
    print(json.dumps(rounded, indent=1))


if __name__ == "__main__":
    main()
