"""What discovery and decoding add to inference on single-frame DICOM files, as a share of its processor time.

    python benchmarks/reading_share.py [--images 24]

Both are measured in one run and one process, so that the ratio holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from inference_speed import BUNDLE, copy_samples
from monai.bundle import ConfigWorkflow


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=24)
    images = parser.parse_args().images
    work = Path(tempfile.mkdtemp())
    try:
        (work / "in").mkdir()
        copy_samples(work / "in", images)
        sys.path.insert(0, str(BUNDLE))
        from scripts.data import LoadUltrasoundd, discover

        load = LoadUltrasoundd("image", record_failures=True)
        load(discover(work / "in")[0])  # imports and look-up tables
        start = time.process_time()
        for item in discover(work / "in"):
            load(item)
        reading = time.process_time() - start

        workflow = ConfigWorkflow(
            config_file=str(BUNDLE / "configs" / "inference.json"),
            workflow_type="infer",
            bundle_root=str(BUNDLE),
            dataset_dir=str(work / "in"),
            output_dir=str(work / "out"),
            num_workers=0,
            num_writers=0,
        )
        workflow.initialize()
        for part in ("evaluator", "writer"):
            workflow.parser.get_parsed_content(part)
        start = time.process_time()
        workflow.run()
        inference = time.process_time() - start
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"reading:   {1000 * reading / images:6.1f} ms of processor time per image")
    print(f"inference: {1000 * inference / images:6.1f} ms of processor time per image, reading included")
    print(f"discovery and decoding add {100 * reading / (inference - reading):.1f} % to the rest")


if __name__ == "__main__":
    main()
