"""From a finished run to what annotators correct, and back to a folder that trains."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from scripts.data import LoadMaskUniond, load_datalist, read_mask
from scripts.errors import BundleError
from scripts.inference.correction import export_masks, import_masks
from scripts.sites import Classes, Site, load_site

SITE = load_site("breast_ultrasound", Path(__file__).resolve().parents[3] / "bundle")
ROWS, COLUMNS = 96, 80
COLUMNS_OF_TABLE = "input,frame,region,status,diagnosis,mask".split(",")


def disk(row: int, column: int, radius: int, hole: int = 0) -> np.ndarray:
    rows, columns = np.ogrid[:ROWS, :COLUMNS]
    distance = np.hypot(rows - row, columns - column)
    return (distance <= radius) & (distance >= hole)


#: Input, frame, region, diagnosis, name of the mask, and the mask.
PREDICTED = [
    ("a/us.dcm", 0, "", "malignant", "a/us", disk(40, 30, 12) | disk(70, 60, 6)),
    ("b/us.png", 0, "", "benign", "b/us", disk(20, 20, 15, hole=5)),
    ("b/empty.png", 0, "", "none", "b/empty", disk(0, 0, -1)),
    ("cine", 0, 0, "none", "cine_f000_r0", disk(0, 0, -1)),
    ("cine", 1, 0, "benign", "cine_f001_r0", disk(50, 40, 9)),
]


@pytest.fixture
def studies(
    tmp_path: Path, make_dicom: Callable[..., Dataset], make_region: Callable[..., Dataset], speckle: np.ndarray
) -> Path:
    """The images of the run."""
    folder = tmp_path / "studies"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    still, cine = make_dicom(speckle), make_dicom(np.stack([speckle, speckle + 1]))
    cine.SequenceOfUltrasoundRegions = [make_region(0, 10, COLUMNS - 1, ROWS - 1)]
    still.save_as(folder / "a" / "us.dcm", enforce_file_format=True)
    cine.save_as(folder / "cine", enforce_file_format=True)
    for name in ("us", "empty"):
        Image.fromarray(speckle).save(folder / "b" / f"{name}.png")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What the run has left."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"finished": True}))
    with open(folder / "predictions.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS_OF_TABLE)
        table.writerow(["note.txt", 0, "", "skipped", "", ""])
        for path, frame, region, diagnosis, name, mask in PREDICTED:
            table.writerow([path, frame, region, "ok", diagnosis, f"masks/{name}.png"])
            save(folder / "masks" / f"{name}.png", mask)
    return folder


@pytest.fixture
def exported(tmp_path: Path, studies: Path, results: Path) -> Path:
    export_masks(results, studies, tmp_path / "exported", SITE)
    return tmp_path / "exported"


def save(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((mask * 255).astype(np.uint8)).save(path)


def listed(folder: Path, section: str = "training") -> dict[str, dict[str, Any]]:
    items = load_datalist(folder, section, SITE.classes, may_be_empty=True)
    return {Path(item["image"]).stem: item for item in items}


def changed(exported: Path, file: str, change: Callable[[Any], Any]) -> Path:
    """An exported file after someone has been at it."""
    content = json.loads((exported / file).read_text())
    (exported / "changed.json").write_text(json.dumps(change(content) or content))
    return exported / "changed.json"


def annotate(tasks: list[dict[str, Any]]) -> None:
    """Submit every prediction of Label Studio's tasks as it is."""
    for number, task in enumerate(tasks):
        results = task.pop("predictions")[0]["result"]
        task.update(id=number, annotations=[{"result": results, "updated_at": "2026-01-02", "was_cancelled": False}])


def assert_predicted(folder: Path) -> None:
    """The folder holds every predicted mask, its diagnosis, and groups by study or file."""
    items = listed(folder)
    assert [item["diagnosis"] for item in items.values()] == ["malignant", "benign", "normal", "normal", "benign"]
    assert len({item["group"] for item in items.values()}) == 4
    for item, (*_, mask) in zip(items.values(), PREDICTED, strict=True):
        found = LoadMaskUniond()(item)["label"].numpy()[0] > 0
        # Of a cine one frame is taken, and of that the region.
        assert np.array_equal(found, mask if found.shape == mask.shape else mask[10:])
        with Image.open(item["label"][0]) as picture:
            assert picture.size[::-1] == found.shape
    assert items["cine_f001"]["image"].endswith(".png") and items["a__us"]["image"].endswith(".dcm")


def test_coco_comes_back_as_it_went(tmp_path: Path, studies: Path, results: Path, exported: Path) -> None:
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
    assert_predicted(tmp_path / "t")


def test_label_studio_brings_back_what_was_submitted(
    tmp_path: Path, studies: Path, results: Path, exported: Path
) -> None:
    path = changed(exported, "label_studio.json", annotate)
    import_masks(path, studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t")

    def correct(tasks: list[dict[str, Any]]) -> None:
        annotate(tasks[:1])
        points = [[25, 25], [75, 25], [75, 75], [25, 75]]
        polygon = {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["benign"]}}
        early = tasks[0]["annotations"][0]
        tasks[0]["annotations"] = [{"result": [polygon], "updated_at": "2026-01-03"}, early, {"was_cancelled": True}]
        tasks[0]["data"]["image"] = "/data/upload/1/0123abcd-a__us.png"
        for task in tasks[1:]:
            task["annotations"] = []

    path = changed(exported, "label_studio.json", correct)
    assert import_masks(path, studies, tmp_path / "u", SITE.classes, results)["not annotated"] == 4
    (item,) = listed(tmp_path / "u").values()
    drawn = np.zeros((ROWS, COLUMNS), bool)
    drawn[24:72, 20:60] = True
    assert item["diagnosis"] == "benign" and np.array_equal(read_mask(item["label"][0]), drawn)


def test_coco_as_label_studio_writes_it_is_read(tmp_path: Path, studies: Path, results: Path, exported: Path) -> None:
    def as_written(coco: dict[str, Any]) -> None:
        for image in coco["images"]:
            image["file_name"] = f"/data/local-files/?d=images/{image['file_name']}"
        coco["images"][2].update(width=None, height=None)

    path = changed(exported, "coco.json", as_written)
    import_masks(path, studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t")


@pytest.mark.parametrize("predicted", [True, False])
def test_a_folder_of_masks_takes_its_diagnoses_from_a_table(
    tmp_path: Path, studies: Path, results: Path, predicted: bool
) -> None:
    table = tmp_path / "pathology.csv"
    table.write_text("image,diagnosis,patient\na/us.dcm,benign,7\nb/us.png,malignant,7\n")
    masks = tmp_path / "masks"
    nibabel.save(
        nibabel.Nifti1Image(PREDICTED[0][-1].T.astype(np.uint8), np.eye(4)), str(make(masks / "a") / "us.nii.gz")
    )
    save(masks / "b" / "us_mask.png", disk(20, 20, 9))
    save(masks / "b" / "us_mask_1.png", disk(60, 60, 9))
    known = results if predicted else None
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


def test_a_folder_of_masks_may_be_named_after_their_diagnosis(tmp_path: Path, studies: Path, results: Path) -> None:
    for _, _, _, diagnosis, name, mask in PREDICTED:
        save(tmp_path / "sorted" / diagnosis / f"{name.replace('/', '__')}.png", mask)
    import_masks(tmp_path / "sorted", studies, tmp_path / "t", SITE.classes, results, validation_share=0)
    assert_predicted(tmp_path / "t")


def test_labels_of_monai_label_lie_among_their_images(tmp_path: Path, studies: Path) -> None:
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


def unknown_image(coco: dict[str, Any]) -> None:
    coco["images"][0]["file_name"] = "other.png"


def unlisted_image(coco: dict[str, Any]) -> None:
    coco["annotations"][1]["image_id"] = 77


def outside(coco: dict[str, Any]) -> None:
    coco["annotations"][0]["segmentation"] = [[10, 10, 90, 10, 50, 50]]


def two_corners(coco: dict[str, Any]) -> None:
    coco["annotations"][0]["segmentation"] = [[10, 10, 50, 50]]


def box_alone(coco: dict[str, Any]) -> None:
    coco["annotations"][0]["segmentation"] = []


def other_size(coco: dict[str, Any]) -> None:
    coco["images"][0].update(height=50, width=60)


def unknown_label(coco: dict[str, Any]) -> None:
    coco["categories"][1]["name"] = "cyst"


def broken_runs(coco: dict[str, Any]) -> None:
    coco["annotations"][2]["segmentation"]["counts"] = [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (unknown_image, r'annotation of "other.png": there is no image "other.png". Check --dataset_dir'),
        (unlisted_image, r"changed.json: annotation 2 is of an image that the file does not list"),
        (outside, r"annotation 1 reaches outside its image of 96 rows x 80 columns. Move its corners inside"),
        (two_corners, r"annotation 1 is no polygon: it needs three corners"),
        (box_alone, r"annotation 1 has no outline but a box at most. Draw polygons or masks"),
        (other_size, r'annotation of "a__us.png" is of 50 rows x 60 columns, but its image has 96 x 80'),
        (unknown_label, r'labels on "a__us" say no diagnosis. Label its lesion benign or malignant, or name a table'),
        (broken_runs, r"annotation 3 has run lengths that do not fill its image"),
        (lambda coco: {"images": []}, r"neither COCO nor Label Studio's JSON"),
        (lambda coco: [{"image": "a.png", "brush": []}], r"task 1 has no annotations. Export as JSON, not as JSON-MIN"),
        (lambda coco: [{"data": {"image": "a"}, "annotations": []}], r"holds no annotated image"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(
    tmp_path: Path, studies: Path, results: Path, exported: Path, change: Callable[[Any], Any], sentence: str
) -> None:
    path = changed(exported, "coco.json", change)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BundleError, match=sentence):
        import_masks(path, studies, tmp_path / "t", SITE.classes, results)
    assert sorted(tmp_path.iterdir()) == before


def test_other_mistakes_are_one_sentence_too(tmp_path: Path, studies: Path, results: Path, exported: Path) -> None:
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "bad.csv").write_text("image,diagnosis\nb/us.png,cyst\n")
    save(tmp_path / "small" / "us.png", disk(20, 20, 9))
    save(tmp_path / "small" / "b" / "us.png", disk(20, 20, 9)[:50])
    coco = exported / "coco.json"
    for arguments, sentence in {
        (tmp_path / "empty.json",): '"empty.json" is empty',
        (tmp_path / "gone.json",): "does not exist. Check --annotations",
        (None,): "name with --annotations",
        (tmp_path / "small" / "b",): '"us.png": 2 images are called "us"',
        (coco, tmp_path / "bad.csv"): 'line 2: "b/us.png" has the diagnosis "cyst". Use benign, malignant, normal',
    }.items():
        path, table = (*arguments, None)[:2]
        with pytest.raises(BundleError, match=sentence):
            import_masks(path, studies, tmp_path / "t", SITE.classes, results, table)
    (tmp_path / "small" / "us.png").unlink()
    with pytest.raises(BundleError, match='The mask "us.png" has 50 rows x 80 columns, but its image has 96 x 80'):
        import_masks(tmp_path / "small", studies, tmp_path / "t", SITE.classes, results)
    with pytest.raises(BundleError, match="holds something already. Choose another --output_dir"):
        import_masks(coco, studies, exported, SITE.classes, results)
    (studies / "b" / "us.png").unlink()
    with pytest.raises(BundleError, match='"b/us.png", which does not exist under'):
        export_masks(results, studies, tmp_path / "again", SITE)
    (results / "summary.json").write_text(json.dumps({"finished": False}))
    with pytest.raises(BundleError, match="has not ended. Start the same inference again"):
        export_masks(results, studies, tmp_path / "again", SITE)
    assert not (tmp_path / "again").exists() and not (tmp_path / "t").exists()
