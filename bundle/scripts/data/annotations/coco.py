"""COCO's object detection format: what CVAT and most other tools read and write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scripts.errors import BundleError

from .drawings import AnnotatedImage, Drawing, Shape, path_in, polygon_filler, run_filler
from .outlines import parts_of, polygon_of
from .run_lengths import count_runs, fill_runs


def coco_annotations(masks: Mapping[str, np.ndarray], categories: Sequence[str]) -> list[dict[str, Any]]:
    """The annotations of one image, one for each part of each mask, without ``id`` and ``image_id``.

    Args:
        masks: bool, shape (rows, columns), by label.
        categories: the labels; their ids count from 1.

    Returns:
        A polygon for each part, or, where it has a hole, run lengths and ``iscrowd`` 1.
    """
    annotations = []
    for label, mask in masks.items():
        for box, part in parts_of(mask):
            corners = polygon_of(part)
            runs = {"size": list(part.shape), "counts": count_runs(part)} if corners is None else None
            annotations.append(
                {
                    "category_id": categories.index(label) + 1,
                    "segmentation": runs or [corners.ravel().tolist()],
                    "area": int(np.count_nonzero(part)),
                    "bbox": box,
                    "iscrowd": int(corners is None),
                }
            )
    return annotations


def coco_document(images: Iterable[Mapping[str, Any]], categories: Sequence[str]) -> dict[str, Any]:
    """A whole COCO file.

    Args:
        images: ``file_name``, ``height``, ``width``, and ``annotations`` of :func:`coco_annotations`.
        categories: the labels.
    """
    document: dict[str, Any] = {
        "info": {"description": "Predicted masks to be corrected"},
        "licenses": [],
        "images": [],
        "annotations": [],
        "categories": [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(categories, start=1)],
    }
    for number, image in enumerate(images, start=1):
        described = {name: value for name, value in image.items() if name != "annotations"}
        document["images"].append({"id": number, **described})
        for annotation in image["annotations"]:
            identity = len(document["annotations"]) + 1
            document["annotations"].append({"id": identity, "image_id": number, **annotation})
    return document


def read_coco(document: Mapping[str, Any], source: str) -> list[AnnotatedImage]:
    """The images of a COCO file; one without annotations was looked at and shows no lesion.

    Args:
        document: the file's content.
        source: its name, for messages.

    Raises:
        BundleError: an annotation is of no image of the file, or holds no shape.
        KeyError, TypeError, ...: the file is no whole COCO.
    """
    labels = {category["id"]: str(category["name"]) for category in document.get("categories", ())}
    images = {image["id"]: image for image in document["images"]}
    drawn: dict[Any, list[Drawing]] = defaultdict(list)
    for annotation in document["annotations"]:
        where = f"{source}: annotation {annotation['id']}"
        if annotation["image_id"] not in images:
            raise BundleError(f"{where} is of an image that the file does not list. Export it anew.")
        label = labels.get(annotation.get("category_id"), "")
        drawn[annotation["image_id"]].append(Drawing(label, where, _filler(annotation.get("segmentation"), where)))
    return [_annotated(image, drawn[number], source) for number, image in images.items()]


def _annotated(image: Mapping[str, Any], drawings: Sequence[Drawing], source: str) -> AnnotatedImage:
    name = path_in(str(image["file_name"]))
    # Label Studio does not know the size of an image on which nothing is drawn.
    known = image.get("height") and image.get("width")
    size = (int(image["height"]), int(image["width"])) if known else None
    return AnnotatedImage(name, f'{source}: the annotation of "{name}"', size, tuple(drawings))


def _filler(segmentation: Any, where: str) -> Callable[[Shape], np.ndarray]:
    if isinstance(segmentation, Mapping) and "counts" in segmentation:
        return run_filler(fill_runs, segmentation["counts"], where)
    if not isinstance(segmentation, list) or not segmentation:
        raise BundleError(f"{where} has no outline but a box at most. Draw polygons or masks.")
    fillers = [polygon_filler(corners, where) for corners in segmentation]
    return lambda shape: np.logical_or.reduce([fill(shape) for fill in fillers])
