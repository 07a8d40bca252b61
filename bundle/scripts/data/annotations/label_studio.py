"""Label Studio's own JSON: tasks with results of its brush and its polygons."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from scripts.errors import BundleError

from .brush_strokes import pack_brush, unpack_brush
from .drawings import AnnotatedImage, Drawing, Shape, as_points, path_in, polygon_filler, run_filler

_LOCAL_FILES = "/data/local-files/?d="
_BRUSH, _POLYGON = "brushlabels", "polygonlabels"
#: What a result may be beside brush and polygons; these outline no lesion.
_SHAPES = ("rectanglelabels", "ellipselabels", "keypointlabels", "rectangle", "ellipse", "brush", "polygon")


def label_studio_config(labels: Mapping[str, Sequence[int]]) -> str:
    """The labelling interface of a project.

    Args:
        labels: red, green and blue (0..255) by label.
    """
    values = [
        f'    <Label value={quoteattr(label)} background="#{bytes(color).hex()}"/>' for label, color in labels.items()
    ]
    tags = [
        line
        for tag, name in (("BrushLabels", "brush"), ("PolygonLabels", "polygon"))
        for line in (f'  <{tag} name="{name}" toName="image">', *values, f"  </{tag}>")
    ]
    return "\n".join(["<View>", '  <Image name="image" value="$image" zoom="true"/>', *tags, "</View>", ""])


def label_studio_task(path: str, masks: Mapping[str, np.ndarray], shape: Shape, version: str) -> dict[str, Any]:
    """One image as a task whose prediction is painted with the brush.

    Args:
        path: of the image, relative to the folder that Label Studio serves.
        masks: bool, shape (rows, columns), by label.
        shape: rows and columns of the image.
        version: of the model.
    """
    results = [
        {
            "id": uuid.uuid5(uuid.NAMESPACE_URL, f"{path} {label}").hex[:10],
            "type": _BRUSH,
            "from_name": "brush",
            "to_name": "image",
            "original_width": shape[1],
            "original_height": shape[0],
            "image_rotation": 0,
            "value": {"format": "rle", "rle": pack_brush(mask), _BRUSH: [label]},
        }
        for label, mask in masks.items()
        if mask.any()
    ]
    return {
        "data": {"image": _LOCAL_FILES + quote(path)},
        "predictions": [{"model_version": version, "result": results}],
    }


def read_label_studio(tasks: Sequence[Any], source: str) -> list[AnnotatedImage]:
    """The images that someone has annotated; tasks that hold predictions alone are left out.

    Of several annotations of a task the one that was changed last counts.

    Args:
        tasks: the file's content.
        source: its name, for messages.

    Raises:
        BundleError: the file has another form, or a result is no brush stroke and no polygon.
        KeyError, TypeError, ...: the file is no whole export.
    """
    images = []
    for number, task in enumerate(tasks, start=1):
        if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping) or "annotations" not in task:
            raise BundleError(f"{source}: task {number} has no annotations. Export as JSON, not as JSON-MIN.")
        where = f"{source}: task {task.get('id', number)}"
        submitted = [annotation for annotation in task["annotations"] if not annotation.get("was_cancelled")]
        if not submitted:
            continue
        latest = max(submitted, key=lambda annotation: str(annotation.get("updated_at") or ""))
        results = [result for result in latest["result"] if isinstance(result, Mapping)]
        sizes = {(int(r["original_height"]), int(r["original_width"])) for r in results if "original_height" in r}
        if len(sizes) > 1:
            raise BundleError(f"{where} has shapes on images of different sizes. Annotate it anew.")
        drawings = [_drawing(result, f"{where}, result {result.get('id')}") for result in results]
        name = _image_name(task["data"], where)
        images.append(AnnotatedImage(name, where, next(iter(sizes), None), tuple(filter(None, drawings))))
    return images


def _image_name(data: Mapping[str, Any], where: str) -> str:
    named = [value for value in (data.get("image"), *data.values()) if isinstance(value, str)]
    if not named:
        raise BundleError(f"{where} names no image. Its data need an entry of that name.")
    return path_in(named[0])


def _drawing(result: Mapping[str, Any], where: str) -> Drawing | None:
    kind, value = result.get("type"), result.get("value", {})
    if kind in _SHAPES:
        raise BundleError(f'{where} is a shape of the type "{kind}". Use the brush or polygons, with labels.')
    if kind not in (_BRUSH, _POLYGON):
        return None
    if result.get("image_rotation"):
        raise BundleError(f"{where} is on a turned image. Turn it back and annotate it as it is.")
    label = str((value.get(kind) or [""])[0])
    if kind == _BRUSH:
        return Drawing(label, where, run_filler(unpack_brush, value.get("rle", ()), where))
    return Drawing(label, where, _percent_filler(value.get("points"), where))


def _percent_filler(corners: Any, where: str) -> Callable[[Shape], np.ndarray]:
    """Label Studio counts in percent of the image's width and height."""
    points = as_points(corners, where) / 100
    return lambda shape: polygon_filler(points * shape[::-1], where)(shape)
