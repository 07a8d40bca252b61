"""What words, studies and report.html take of one inference run, as shares of its processor time.

    python benchmarks/report_share.py [--images 400] [--dataset_dir FOLDER]

All are measured within the same run, in one process, so that shares hold on a busy machine too. Without a folder of
yours, the images are copies of the DICOM samples; in a folder, the first so many are taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from inference_speed import BUNDLE, copy_samples
from monai.bundle import ConfigWorkflow

sys.path.insert(0, str(BUNDLE))

#: Parts of a run, by what does them.
PARTS = {
    "words": ("scripts.semantics.lesion_words", "LesionWords", "__call__"),
    "studies.csv and strips": ("scripts.inference.tables.studies", "StudyTable", "write"),
    "report.html": ("scripts.inference.prediction_writer", "PredictionWriter", "_write_report"),
}


def timed(seconds: dict[str, float], part: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, which adds its processor seconds to its part."""

    def measured(*arguments: Any) -> Any:
        started = time.process_time()
        try:
            return call(*arguments)
        finally:
            seconds[part] += time.process_time() - started

    return measured


def measure(source: Path, output: Path) -> dict[str, float]:
    """Processor seconds of one run over a folder: of each part, and of all.

    Loading the weights and torch is left out of all, so that few images do not make the shares look small.
    """
    workflow = ConfigWorkflow(
        config_file=str(BUNDLE / "configs" / "inference.json"),
        workflow_type="infer",
        bundle_root=str(BUNDLE),
        dataset_dir=str(source),
        output_dir=str(output),
        num_workers=0,
        num_writers=0,
    )
    workflow.initialize()
    for part in ("evaluator", "writer"):
        workflow.parser.get_parsed_content(part)
    seconds = dict.fromkeys(PARTS, 0.0)
    for part, (module, owner, method) in PARTS.items():
        owner = getattr(sys.modules[module], owner)
        setattr(owner, method, timed(seconds, part, getattr(owner, method)))
    started = time.process_time()
    workflow.run()
    return {**seconds, "all": time.process_time() - started}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=400, help="how many images")
    parser.add_argument("--dataset_dir", type=Path, help="a folder of images")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch, "in"), Path(scratch, "out")
        source.mkdir()
        if arguments.dataset_dir:
            # Masks that lie beside their images are none to analyse.
            paths = (path for path in sorted(arguments.dataset_dir.rglob("*.*")) if "_mask" not in path.name)
            for number, path in enumerate(islice(paths, arguments.images)):
                (source / f"{number:05d}{path.suffix}").symlink_to(path.resolve())
        else:
            copy_samples(source, arguments.images)
        seconds = measure(source, output)
    print("| part | processor s | share of the run |\n|---|---|---|")
    for part, of in seconds.items():
        print(f"| {part} | {of:.2f} | {of / seconds['all']:.1%} |")
    together = sum(seconds[part] for part in PARTS)
    print(f"| the three together, added to the rest | {together:.2f} | {together / (seconds['all'] - together):.1%} |")


if __name__ == "__main__":
    main()
