"""Predicted masks for annotators: COCO for CVAT and most other tools, tasks for Label Studio."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.command_line import must_be_given
from scripts.data import read_mask
from scripts.data.annotations import coco_annotations, coco_document, label_studio_config, label_studio_task
from scripts.errors import BundleError
from scripts.inference.provenance import bundle_version
from scripts.sites import LESION, Classes, Site
from scripts.writing.drawing import PREDICTED_COLOR, png_bytes
from scripts.writing.files import whole_folder, write_whole

from .frames import Frame, frames_of_run, read_frame


def export_masks(
    predictions: str | Path | None, dataset_dir: str | Path, output_dir: str | Path, site: Site
) -> dict[str, int]:
    """Write the masks of a finished inference run as annotations that people can correct.

    The folder gets ``images/`` (PNG, whole frames, without a DICOM header), ``coco.json``, ``label_studio.json``
    and ``label_studio.xml``. A label is the predicted diagnosis.

    Args:
        predictions: output folder of the run.
        dataset_dir: the images of the run.
        output_dir: a new folder.
        site: its classes are the labels.

    Returns:
        Counts for people: images, and those with a lesion.

    Raises:
        BundleError: the run is not whole, an image is missing or has another size than its mask, or the folder cannot
            be written.
    """
    if not predictions:
        must_be_given("predictions", "the output folder of an inference run")
    frames = frames_of_run(predictions, dataset_dir)
    labels, version = site.classes.names or (LESION,), f"Rad-VLSM {bundle_version()}"
    images, tasks = [], []
    with whole_folder(output_dir) as folder:
        for frame in frames:
            pixels, _ = read_frame(frame)
            shape = pixels.shape[:2]
            masks = _masks_by_label(frame, shape, site.classes)
            name = f"{frame.name}.png"
            write_whole(folder / "images" / name, png_bytes(Image.fromarray(pixels)))
            drawn = coco_annotations(masks, labels)
            images.append({"file_name": name, "height": shape[0], "width": shape[1], "annotations": drawn})
            tasks.append(label_studio_task(f"images/{name}", masks, shape, version))
        write_whole(folder / "coco.json", _json(coco_document(images, labels)))
        write_whole(folder / "label_studio.json", _json(tasks))
        colors = {label: site.colors.get(label, PREDICTED_COLOR) for label in labels}
        write_whole(folder / "label_studio.xml", label_studio_config(colors).encode())
    return {"images": len(images), "with a lesion": sum(bool(image["annotations"]) for image in images)}


def _masks_by_label(frame: Frame, shape: tuple[int, int], classes: Classes) -> dict[str, np.ndarray]:
    masks: dict[str, np.ndarray] = {}
    for diagnosis, path in frame.masks:
        mask = read_mask(path)
        if mask.shape != shape:
            raise BundleError(
                f'The mask of "{frame.input}" has {mask.shape[0]} rows x {mask.shape[1]} columns, but its image has '
                f"{shape[0]} x {shape[1]}. Name the images of the run with --dataset_dir."
            )
        if mask.any():
            label = diagnosis if classes.names else LESION
            masks[label] = masks.get(label, False) | mask
    return masks


def _json(content: object) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
