"""Annotation files, whole and damaged in every entry."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.data.annotations import coco_annotations, coco_document, label_studio_task, read_annotations
from scripts.errors import BundleError

SHAPE = (9, 8)


def example(kind: str) -> Any:
    """One image with a mask that has a hole, and a part without."""
    mask = np.zeros(SHAPE, bool)
    mask[1:6, 1:6] = mask[7:, 5:] = True
    mask[3, 3] = False
    if kind == "coco":
        annotations = coco_annotations({"benign": mask}, ["benign"])
        return coco_document([{"file_name": "a.png", "height": 9, "width": 8, "annotations": annotations}], ["benign"])
    task = label_studio_task("images/a b.png", {"benign": mask}, SHAPE, "1")
    polygon = {"points": [[10, 10], [50, 10], [50, 50]], "polygonlabels": ["benign"]}
    results = [*task["predictions"][0]["result"], {"type": "polygonlabels", "value": polygon}]
    return [{**task, "annotations": [{"result": results}]}]


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every entry of a document; of long lists the first two."""
    keys = list(content) if isinstance(content, dict) else range(min(2, len(content)))
    for key in keys:
        yield (*path, key)
        if isinstance(content[key], (dict, list)):
            yield from places(content[key], (*path, key))


@pytest.mark.parametrize(("kind", "name"), [("coco", "a.png"), ("label studio", "images/a b.png")])
def test_a_file_says_what_was_drawn_and_on_what(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text("\ufeff" + json.dumps(example(kind)), encoding="utf-8")
    (image,) = read_annotations(tmp_path / "file.json")
    assert (image.name, image.size) == (name, SHAPE)
    mask = image.mask(SHAPE)
    assert {drawing.label for drawing in image.drawings} == {"benign"} and mask[8, 7] and not mask[6, 6]


@pytest.mark.parametrize("kind", ["coco", "label studio"])
def test_damage_ends_as_a_sentence(kind: str, tmp_path: Path) -> None:
    whole = example(kind)
    for place in places(whole):
        for value in (None, "x", -1, [], {}, [None], 1e300, "gone"):
            content = copy.deepcopy(whole)
            entry = content
            for key in place[:-1]:
                entry = entry[key]
            if value == "gone":
                del entry[place[-1]]
            else:
                entry[place[-1]] = value
            (tmp_path / "file.json").write_text(json.dumps(content))
            try:
                for image in read_annotations(tmp_path / "file.json"):
                    assert image.mask(SHAPE).shape == SHAPE
            except BundleError as error:
                assert str(error).endswith((".", "?")) and "\n" not in str(error)
