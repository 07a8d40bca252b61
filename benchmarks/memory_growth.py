"""How much memory inference keeps of each input: the whole run over a thousand small DICOM files.

    OMP_NUM_THREADS=1 python benchmarks/memory_growth.py [--images 1000] [--image_size 128]

The files have distinct SOPInstanceUIDs and distinct pixels. Memory is that of all processes of the run, read along with
the rows of predictions.csv: pages that processes share count once, swapped ones count, and pages of programs and
libraries, which the system drops and reads again as it likes, do not. The growth is the slope of a straight line
through the second half of the rows, when all that is made once is there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from inference_speed import BUNDLE, process_tree

POLL_SECONDS = 1.0
KINDS = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")


def write_small_files(folder: Path, images: int) -> None:
    """Fill a folder with the sample images, every fourth row and column of them, each with its own noise and UID."""
    paths = [path for path in sorted((BUNDLE / "sample_data" / "dicom").rglob("*")) if path.is_file()]
    samples = [pydicom.dcmread(path) for path in paths]
    pixels = [sample.pixel_array[::4, ::4] for sample in samples]
    draw = np.random.default_rng(0)
    for number in range(images):
        dataset, picture = samples[number % len(samples)], pixels[number % len(samples)]
        noisy = np.clip(picture + draw.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)
        dataset.Rows, dataset.Columns = noisy.shape[:2]
        dataset.PixelData = noisy.tobytes() + bytes(noisy.size % 2)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.save_as(folder / f"{number:05d}.dcm")


def allocated_mb(pids: list[int]) -> float:
    """Memory that processes have allocated, MB; those that have just ended count nothing."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(KINDS))
    return total / 1024


def watch_inference(source: Path, output: Path, log: Path, image_size: int) -> np.ndarray:
    """Run the inference, overlays and DICOM results on, and look at its memory meanwhile.

    Returns:
        rows in predictions.csv and megabytes, shape (samples, 2).

    Raises:
        SystemExit: the inference failed; its output is shown.
    """
    command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file", "configs/inference.json"]
    command += ["--dataset_dir", str(source), "--output_dir", str(output), "--image_size", str(image_size)]
    table, seen = output / "predictions.csv", []
    with open(log, "w") as file, subprocess.Popen(command, cwd=BUNDLE, stdout=file, stderr=file) as process:
        while process.poll() is None:
            rows = table.read_bytes().count(b"\n") - 1 if table.exists() else 0
            memory = allocated_mb(process_tree(process.pid))
            if rows > 0:
                seen.append((rows, memory))
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise SystemExit(log.read_text())
    return np.array(seen)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--image_size", type=int, default=128, help="the network's working size")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch, "in"), Path(scratch, "out")
        source.mkdir()
        write_small_files(source, arguments.images)
        seen = watch_inference(source, output, Path(scratch, "log"), arguments.image_size)
        written = {kind: len(list(output.glob(f"{kind}/*"))) for kind in ("masks", "overlays", "dicom_seg", "dicom_sr")}
    # The reading process ends before the last rows are written.
    steady = seen[(seen[:, 0] > arguments.images / 2) & (seen[:, 0] < 0.95 * arguments.images)]
    slope, start = np.polyfit(steady[:, 0], steady[:, 1], 1)
    off = np.abs(steady[:, 1] - start - slope * steady[:, 0]).max()
    print("written:", ", ".join(f"{count} {kind}" for kind, count in written.items()))
    for share in (0.1, 0.25, 0.5, 0.75, 0.95):
        rows, memory = seen[np.abs(seen[:, 0] - share * arguments.images).argmin()]
        print(f"{rows:6.0f} rows: {memory:7.1f} MB")
    print(f"growth: {1024 * slope:.1f} kB an input ({len(steady)} samples, at most {off:.1f} MB off the line)")


if __name__ == "__main__":
    main()
