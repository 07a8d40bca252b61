"""From a finished run to what annotators correct, and back to a folder that trains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from scripts.data import LoadMaskUniond, load_datalist, read_mask
from scripts.inference.correction import export_masks, import_masks
from scripts.sites import Classes, Site, load_site

SITE = load_site("breast_ultrasound", Path(__file__).resolve().parents[3] / "bundle")
Disk, Save = Callable[..., np.ndarray], Callable[[Path, np.ndarray], None]


def listed(folder: Path, section: str = "training") -> dict[str, dict[str, Any]]:
    items = load_datalist(folder, section, SITE.classes, may_be_empty=True)
    return {Path(item["image"]).stem: item for item in items}


def annotate(tasks: list[dict[str, Any]]) -> None:
    """Submit every prediction of Label Studio's tasks as it is."""
    for number, task in enumerate(tasks):
        results = task.pop("predictions")[0]["result"]
        task.update(id=number, annotations=[{"result": results, "updated_at": "2026-01-02", "was_cancelled": False}])


def assert_predicted(folder: Path, predicted: list[Any]) -> None:
    """The folder holds every predicted mask, its diagnosis, and groups by study or file."""
    items = listed(folder)
    assert [item["diagnosis"] for item in items.values()] == ["malignant", "benign", "normal", "normal", "benign"]
    assert len({item["group"] for item in items.values()}) == 4
    for item, (*_, mask) in zip(items.values(), predicted, strict=True):
        found = LoadMaskUniond()(item)["label"].numpy()[0] > 0
        # Of a cine one frame is taken, and of that the region.
        assert np.array_equal(found, mask if found.shape == mask.shape else mask[10:])
        with Image.open(item["label"][0]) as picture:
            assert picture.size[::-1] == found.shape
    assert items["cine_f001"]["image"].endswith(".png") and items["a__us"]["image"].endswith(".dcm")


def test_coco_comes_back_as_it_went(
    tmp_path: Path, studies: Path, results: Path, exported: Path, disk: Disk, predicted: list[Any]
) -> None:
    coco = json.loads((exported / "coco.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["benign", "malignant"]
    assert [annotation["iscrowd"] for annotation in coco["annotations"]] == [0, 0, 1, 0]
    for image in coco["images"]:
        with Image.open(exported / "images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
    first = coco["annotations"][0]
    assert first["area"] == disk(40, 30, 12).sum() and first["bbox"] == [18, 28, 25, 25]
    counts = import_masks(exported / "coco.json", studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert counts == {"training": 5, "validation": 0, "not annotated": 0}
    assert_predicted(tmp_path / "t", predicted)


def test_label_studio_brings_back_what_was_submitted(
    tmp_path: Path, studies: Path, results: Path, exported: Path, changed: Callable[..., Path], predicted: list[Any]
) -> None:
    path = changed("label_studio.json", annotate)
    import_masks(path, studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t", predicted)

    def correct(tasks: list[dict[str, Any]]) -> None:
        annotate(tasks[:1])
        points = [[25, 25], [75, 25], [75, 75], [25, 75]]
        polygon = {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["benign"]}}
        early = tasks[0]["annotations"][0]
        tasks[0]["annotations"] = [{"result": [polygon], "updated_at": "2026-01-03"}, early, {"was_cancelled": True}]
        tasks[0]["data"]["image"] = "/data/upload/1/0123abcd-a__us.png"
        for task in tasks[1:]:
            task["annotations"] = []

    path = changed("label_studio.json", correct)
    assert import_masks(path, studies, tmp_path / "u", SITE.classes, results)["not annotated"] == 4
    (item,) = listed(tmp_path / "u").values()
    drawn = np.zeros((96, 80), bool)
    drawn[24:72, 20:60] = True
    assert item["diagnosis"] == "benign" and np.array_equal(read_mask(item["label"][0]), drawn)


def test_coco_as_label_studio_writes_it_is_read(
    tmp_path: Path, studies: Path, results: Path, exported: Path, changed: Callable[..., Path], predicted: list[Any]
) -> None:
    def as_written(coco: dict[str, Any]) -> None:
        for image in coco["images"]:
            image["file_name"] = f"/data/local-files/?d=images/{image['file_name']}"
        coco["images"][2].update(width=None, height=None)

    path = changed("coco.json", as_written)
    import_masks(path, studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t", predicted)


@pytest.mark.parametrize("from_run", [True, False])
def test_a_folder_of_masks_takes_its_diagnoses_from_a_table(
    tmp_path: Path, studies: Path, results: Path, from_run: bool, predicted: list[Any], disk: Disk, save: Save
) -> None:
    table = tmp_path / "pathology.csv"
    table.write_text("image,diagnosis,patient\na/us.dcm,benign,7\nb/us.png,malignant,7\n")
    masks = tmp_path / "masks"
    nibabel.save(
        nibabel.Nifti1Image(predicted[0][-1].T.astype(np.uint8), np.eye(4)), str(make(masks / "a") / "us.nii.gz")
    )
    save(masks / "b" / "us_mask.png", disk(20, 20, 9))
    save(masks / "b" / "us_mask_1.png", disk(60, 60, 9))
    known = results if from_run else None
    import_masks(masks, studies, tmp_path / "t", SITE.classes, known, table, validation_share=0, links=True)
    items = listed(tmp_path / "t")
    assert {name: (item["diagnosis"], item["group"]) for name, item in items.items()} == {
        "a__us": ("benign", "t/7"), "b__us": ("malignant", "t/7"),
    }  # fmt: skip
    assert np.array_equal(read_mask(items["b__us"]["label"][0]), disk(20, 20, 9) | disk(60, 60, 9))
    assert (tmp_path / "t" / "images" / "a__us.dcm").resolve() == studies / "a" / "us.dcm"


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_folder_of_masks_may_be_named_after_their_diagnosis(
    tmp_path: Path, studies: Path, results: Path, save: Save, predicted: list[Any]
) -> None:
    for _, _, _, diagnosis, name, mask in predicted:
        save(tmp_path / "sorted" / diagnosis / f"{name.replace('/', '__')}.png", mask)
    import_masks(tmp_path / "sorted", studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t", predicted)


def test_labels_of_monai_label_lie_among_their_images(tmp_path: Path, studies: Path, disk: Disk, save: Save) -> None:
    shutil.copy(studies / "b" / "us.png", studies / "us.png")
    for tag in ("predicted", "final"):
        save(studies / "labels" / tag / "us.png", disk(20, 20, 9))
    (tmp_path / "table.csv").write_text("image,diagnosis\nus,benign\n")
    import_masks(studies / "labels" / "final", studies, tmp_path / "t", SITE.classes, diagnoses=tmp_path / "table.csv")
    (item,) = listed(tmp_path / "t").values()
    assert item["group"] == "t/us.png" and np.array_equal(read_mask(item["label"][0]), disk(20, 20, 9))


def test_groups_are_never_parted(tmp_path: Path, studies: Path, results: Path, exported: Path) -> None:
    import_masks(exported / "coco.json", studies, tmp_path / "t", SITE.classes, results, validation_share=0.5)
    sections = [
        {item["group"] for item in listed(tmp_path / "t", name).values()} for name in ("training", "validation")
    ]
    assert all(sections) and not sections[0] & sections[1]


def test_a_site_without_classes_has_lesions_alone(tmp_path: Path, studies: Path, results: Path) -> None:
    bare = Site("polyp", "polyp", Classes(), colors={}, codes={})
    export_masks(results, studies, tmp_path / "out", bare)
    import_masks(tmp_path / "out" / "coco.json", studies, tmp_path / "t", bare.classes, results, validation_share=0)
    diagnoses = [item["diagnosis"] for item in load_datalist(tmp_path / "t", "training", bare.classes)]
    assert diagnoses == ["lesion", "lesion", "normal", "normal", "lesion"]
