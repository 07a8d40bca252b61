"""What annotators and users get wrong ends as one sentence, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.errors import BundleError
from scripts.inference.correction import export_masks, import_masks
from scripts.sites import Site

Disk, Save = Callable[..., np.ndarray], Callable[[Path, np.ndarray], None]


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
    tmp_path: Path, studies: Path, results: Path, site: Site, changed: Callable[..., Path],
    change: Callable[[Any], Any], sentence: str,
) -> None:  # fmt: skip
    path = changed("coco.json", change)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BundleError, match=sentence):
        import_masks(path, studies, tmp_path / "t", site.classes, results)
    assert sorted(tmp_path.iterdir()) == before


def test_other_mistakes_are_one_sentence_too(
    tmp_path: Path, studies: Path, results: Path, exported: Path, disk: Disk, save: Save, site: Site
) -> None:
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
            import_masks(path, studies, tmp_path / "t", site.classes, results, table)
    (tmp_path / "small" / "us.png").unlink()
    with pytest.raises(BundleError, match='The mask "us.png" has 50 rows x 80 columns, but its image has 96 x 80'):
        import_masks(tmp_path / "small", studies, tmp_path / "t", site.classes, results)
    with pytest.raises(BundleError, match="holds something already. Choose another --output_dir"):
        import_masks(coco, studies, exported, site.classes, results)
    (studies / "b" / "us.png").unlink()
    with pytest.raises(BundleError, match='"b/us.png", which does not exist under'):
        export_masks(results, studies, tmp_path / "again", site)
    (results / "summary.json").write_text(json.dumps({"finished": False}))
    with pytest.raises(BundleError, match="has not ended. Start the same inference again"):
        export_masks(results, studies, tmp_path / "again", site)
    assert not (tmp_path / "again").exists() and not (tmp_path / "t").exists()
