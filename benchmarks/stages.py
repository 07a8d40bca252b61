"""Where the time of inference goes: processor milliseconds an image, stage by stage, of one thread in one process.

``python benchmarks/stages.py [--images 48]`` takes copies of the sample DICOM images through what a run does, one after
the other, and prints a table; shares hold on any machine, milliseconds on this one alone. Runs do the files
of an image in processes of their own, beside the network. ``--against CHECKOUT`` does the same with another checkout of
the repository, in turn, and adds its column.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))
BATCH = 4


class Laps:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def __call__(self, stage: str, call: Callable[..., T], *arguments: Any) -> T:
        """Do something, and count its time for a stage."""
        started = time.process_time()
        result = call(*arguments)
        self.seconds[stage] += time.process_time() - started
        return result


def measure(images: int) -> dict[str, float]:
    """Milliseconds an image by stage.

    Args:
        images: how many, a multiple of the batch.
    """
    import torch
    from inference_speed import copy_samples
    from monai.bundle import ConfigParser

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch, "in"), Path(scratch, "out")
        source.mkdir()
        copy_samples(source, images)
        config = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
        config.update({"bundle_root": str(BUNDLE), "dataset_dir": str(source), "output_dir": str(output)})
        config.update({"num_workers": 0, "num_writers": 0, "device": "$torch.device('cpu')"})
        config.get_parsed_content("imports")
        stages = Laps()
        with torch.inference_mode():
            one_pass(config, Laps())  # imports and first calls
            one_pass(config, stages)
    return {stage: 1000 * seconds / images for stage, seconds in stages.seconds.items()}


def one_pass(config: Any, lap: Laps) -> None:
    """All images once through everything."""
    from monai.data import decollate_batch

    from scripts.data import discover
    from scripts.findings import collate_items

    items = lap("discovery", discover, config.get_parsed_content("dataset_dir"))
    network, load, *prepare = config.get_parsed_content("network").eval(), *steps(config, "preprocessing")
    finish = steps(config, "postprocessing")
    writer = config.get_parsed_content("writer")
    writer.folder.open({}, overwrite=True)
    for start in range(0, len(items), BATCH):
        chosen = [lap("reading and decoding", load, dict(item)) for item in items[start : start + BATCH]]
        for step in prepare:
            chosen = [lap("resizing", step, item) for item in chosen]
        batch = collate_items(chosen)
        outputs = decollate_batch(lap("network", network.forward_named, batch["image"].as_tensor()))
        for item, image, pred in zip(batch["items"], decollate_batch(batch["image"]), outputs, strict=True):
            item = {**item, "image": image, "pred": pred}
            for step in finish:
                last = step is finish[-1]
                item = lap("finding and its words" if last else "mask on the image's own grid", step, item)
            write_files(writer, item, lap)
    writer.folder.close()


def steps(config: Any, name: str) -> list[Callable[[Any], Any]]:
    """The transforms of a part of the config."""
    return list(config.get_parsed_content(name).transforms)


def write_files(writer: Any, item: dict[str, Any], lap: Laps) -> None:
    """The files of one image, as :class:`scripts.results.ResultFiles` writes them, and its rows."""
    import numpy as np

    from scripts.radiomics import IBSI
    from scripts.results.dicom.archive import AlgorithmIdentity, SourceFrame, read_header, write_dicom
    from scripts.results.dicom.report import make_report
    from scripts.results.dicom.segmentation import make_segmentation
    from scripts.results.evidence_figure import draw_evidence
    from scripts.results.overlay import draw_overlay
    from scripts.writing.drawing import mask_image, png_bytes
    from scripts.writing.files import write_whole

    finding, picture, site, root = item["finding"], np.asarray(item["picture"]), writer.site, writer.folder.path
    top, left, bottom, right = crop = item["source"]["crop"]
    region = finding.mask[top:bottom, left:right]

    def picture_file(name: str, make: Callable[[], Any]) -> None:
        write_whole(root / name, png_bytes(make()))

    lap("mask file", picture_file, "mask.png", lambda: mask_image(finding.mask))
    lap("overlay", picture_file, "overlay.png", lambda: draw_overlay(picture, region, finding, site, "name"))
    lap("evidence figure", picture_file, "figure.png", lambda: draw_evidence(picture, region, crop, finding, site))
    algorithm, number = AlgorithmIdentity(**writer.files.identity), item["row"] + 1
    row = writer.items[item["row"]]
    frame = lap("SEG and SR: header", lambda: SourceFrame.of(read_header(row["image"]), 0, -1, row["content"]))
    segmentation = None
    if finding.found:
        segmentation = lap("SEG", make_segmentation, frame, finding, algorithm, site, number)
        lap("SEG", write_dicom, segmentation, root / "seg.dcm")
    report = lap("SR", make_report, frame, finding, algorithm, site, segmentation, IBSI, number)
    lap("SR", write_dicom, report, root / "sr.dcm")
    row = {**row, "mask": "mask.png", "overlay": "overlay.png"}
    lap("tables", writer.folder.append, row, finding, site.classes.probability)


def other(checkout: Path, images: int) -> dict[str, float]:
    """What the benchmark of another checkout prints, by stage."""
    command = [sys.executable, str(checkout.resolve() / "benchmarks" / "stages.py"), "--images", str(images)]
    rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[2:-1]
    return {cells[1].strip(): float(cells[2]) for cells in (row.split("|") for row in rows)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=48, help="how many images, a multiple of 4")
    parser.add_argument("--against", type=Path, help="another checkout, measured in the same run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, with --against; medians are told")
    arguments = parser.parse_args()
    if arguments.against is None:
        times = measure(arguments.images)
        total = sum(times.values())
        print("| stage | processor ms an image | share |\n|---|---|---|")
        for stage, milliseconds in [*times.items(), ("all", total)]:
            print(f"| {stage} | {milliseconds:.1f} | {milliseconds / total:.0%} |")
        return
    checkouts = (arguments.against, BUNDLE.parent)
    runs = [[other(checkout, arguments.images) for checkout in checkouts] for _ in range(arguments.repeats)]
    print("| stage | before | now | now / before |\n|---|---|---|---|")
    for stage in [*runs[0][1], "all"]:
        pairs = [[sum(run.values()) if stage == "all" else run[stage] for run in pair] for pair in runs]
        before, now = (statistics.median(values) for values in zip(*pairs, strict=True))
        ratio = statistics.median(after / earlier for earlier, after in pairs)
        print(f"| {stage} | {before:.1f} | {now:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
