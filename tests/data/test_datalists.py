"""Labelled lists: three kinds of folder, checked item by item; masks united."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scripts.data import LoadMaskUniond, LoadUltrasoundd, load_datalist
from scripts.data.layouts.busuclm import busuclm_sections
from scripts.errors import BundleError
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes

ROWS, COLUMNS = 6, 9


def picture(path: Path, rows: int = ROWS, columns: int = COLUMNS, seed: int | None = None) -> Path:
    """A gray PNG: noise from ``seed``, or black."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((rows, columns), np.uint8)
    if seed is not None:
        pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def mask(path: Path, *pixels: tuple[int, int]) -> Path:
    """A mask PNG that is 255 at the given (row, column)."""
    array = np.zeros((ROWS, COLUMNS), np.uint8)
    for pixel in pixels:
        array[pixel] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def listed_folder(folder: Path, **changes: object) -> Path:
    """A folder of one training image, its item changed as told."""
    picture(folder / "a.png", seed=1)
    mask(folder / "a_mask.png", (2, 3))
    item = {"image": "a.png", "label": ["a_mask.png"], "diagnosis": "benign", "group": 7, **changes}
    (folder / "datalist.json").write_text(json.dumps({"training": [item]}))
    return folder


def test_items_of_several_folders_are_absolute_and_their_groups_stay_apart(tmp_path: Path) -> None:
    folders = [listed_folder(tmp_path / "x" / "site"), listed_folder(tmp_path / "y" / "site")]
    items = load_datalist(folders, "training", CLASSES)
    assert items[0] == {
        "image": str(tmp_path / "x/site/a.png"),
        "label": [str(tmp_path / "x/site/a_mask.png")],
        "diagnosis": "benign",
        "group": "site/7",
        "dataset": "site",
        "region": -1,
    }
    assert items[1]["group"] == "site-2/7"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"label": ["b_mask.png"]},
            r'site/datalist.json: item 0 names "b_mask.png", which does not exist under .*site',
        ),
        ({"diagnosis": "cyst"}, r'item 0 \("a.png"\) has the diagnosis "cyst". Use benign, malignant, normal.'),
        ({"diagnosis": None}, r'has the diagnosis "None"'),
        ({"label": []}, r'item 0 lacks "image" or "label"'),
    ],
)
def test_a_wrong_item_is_named(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BundleError, match=sentence):
        load_datalist(listed_folder(tmp_path / "site", **changes), "training", CLASSES)


def test_a_transposed_mask_is_named_with_both_sizes(tmp_path: Path) -> None:
    folder = listed_folder(tmp_path / "site")
    picture(folder / "a_mask.png", rows=COLUMNS, columns=ROWS)
    with pytest.raises(BundleError, match=r'"a_mask.png" of 9 rows x 6 columns, but its image "a.png" has 6 rows x 9'):
        load_datalist(folder, "training", CLASSES)


def test_missing_folder_unknown_layout_and_empty_section_are_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match='"gone" does not exist'):
        load_datalist("gone", "training", CLASSES)
    with pytest.raises(BundleError, match="in no public layout"):
        load_datalist(tmp_path, "training", CLASSES)
    with pytest.raises(BundleError, match='lists nothing under "validation"'):
        load_datalist(listed_folder(tmp_path / "site"), "validation", CLASSES)


def test_public_busi_layout_unites_lesions_and_keeps_near_duplicates_together(tmp_path: Path) -> None:
    for number in range(1, 41):
        name = f"benign ({number})"
        picture(tmp_path / f"benign/{name}.png", rows=32, columns=32, seed=number // 2)  # 2 and 3 are one scene ...
        picture(tmp_path / f"benign/{name}_mask.png", rows=32, columns=32)
    picture(tmp_path / "benign/benign (5)_mask_1.png", rows=32, columns=32)
    picture(tmp_path / "malignant/malignant (1).png", rows=32, columns=32, seed=20)  # benign (40) under another class
    picture(tmp_path / "malignant/malignant (1)_mask.png", rows=32, columns=32)

    sections = {name: load_datalist(tmp_path, name, CLASSES) for name in ("training", "validation")}
    groups = {name: {item["group"] for item in items} for name, items in sections.items()}
    assert not groups["training"] & groups["validation"]
    assert len(groups["training"]) + len(groups["validation"]) == 20  # 1, 2-3, ..., 38-39; 40 contradicts itself
    assert len(groups["validation"]) == 5
    items = {Path(item["image"]).stem: item for items in sections.values() for item in items}
    assert len(items) == 39
    assert items["benign (2)"]["group"] == items["benign (3)"]["group"]
    assert [Path(path).name for path in items["benign (5)"]["label"]] == [
        "benign (5)_mask.png",
        "benign (5)_mask_1.png",
    ]


def test_public_busbra_layout_follows_the_authors_folds(tmp_path: Path) -> None:
    table = ["ID,Case,Pathology,Fold5"]
    for fold in range(1, 6):
        for side in "lr":
            table.append(f"bus_{fold:04d}-{side},{fold},malignant,{fold}")
            picture(tmp_path / f"Images/bus_{fold:04d}-{side}.png")
            picture(tmp_path / f"Masks/mask_{fold:04d}-{side}.png")
    (tmp_path / "bus_data.csv").write_text("\n".join(table))
    training, validation = (load_datalist(tmp_path, section, CLASSES) for section in ("training", "validation"))
    assert [item["group"].split("/")[1] for item in training] == ["1", "1", "2", "2", "3", "3"]
    assert [Path(item["label"][0]).name for item in validation] == ["mask_0004-l.png", "mask_0004-r.png"]


def test_masks_are_united_rows_before_columns(tmp_path: Path) -> None:
    png = mask(tmp_path / "a.png", (1, 7))
    volume = np.zeros((COLUMNS, ROWS, 1), np.uint8)  # a NIfTI's first axis runs along the columns
    volume[8, 5] = 2
    nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / "b.nii.gz")
    union = LoadMaskUniond()({"label": [str(png), str(tmp_path / "b.nii.gz")]})["label"]
    assert union.shape == (1, ROWS, COLUMNS)
    assert union.dtype.is_floating_point
    assert union.nonzero().tolist() == [[0, 1, 7], [0, 5, 8]]


def test_masks_of_two_sizes_are_refused(tmp_path: Path) -> None:
    paths = [str(picture(tmp_path / "a.png")), str(picture(tmp_path / "b.png", rows=5))]
    with pytest.raises(BundleError, match="b.png.* has 5 x 9 pixels, but .*a.png.* has 6 x 9"):
        LoadMaskUniond()({"label": paths})


def test_a_dicom_frame_and_its_mask_are_cropped_to_its_one_region(
    tmp_path: Path, speckle: np.ndarray, make_dicom: Any, save_dicom: Any, make_region: Any
) -> None:
    def listed(pixel: tuple[int, int], *regions: Any) -> dict[str, Any]:
        save_dicom(make_dicom(speckle, SequenceOfUltrasoundRegions=list(regions)), "a.dcm")
        drawn = np.zeros_like(speckle)
        drawn[pixel] = 255
        Image.fromarray(drawn).save(tmp_path / "a.png")
        item = {"image": "a.dcm", "label": "a.png", "diagnosis": "benign"}
        (tmp_path / "datalist.json").write_text(json.dumps({"training": [item]}))
        return LoadUltrasoundd()(load_datalist(tmp_path, "training", CLASSES)[0])

    region = make_region(10, 20, 69, 59)
    item = listed((30, 40), region)
    image, label = item["image"], LoadMaskUniond(cropped=True)(item)["label"]
    assert image.shape == label.shape == (1, 60, 40)
    assert np.asarray(image)[0] == pytest.approx(speckle[10:70, 20:60] / 255)
    assert label[0, 20, 20] == 1 and label.sum() == 1
    assert LoadMaskUniond()(item)["label"].shape == (1, 96, 80)

    with pytest.raises(BundleError, match="lies outside its image's B-mode region"):
        LoadMaskUniond(cropped=True)(listed((0, 0), region))
    # Of two regions nothing tells which the mask is of.
    assert listed((30, 40), region, make_region(10, 62, 69, 79))["image"].shape == (1, 96, 80)


def test_public_busuclm_layout_keeps_patients_apart_and_leaves_out_its_known_faults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = {  # file: label, Doppler, Combined
        "ALWI_000.png": ("Benign", "No", "No"),
        "ALWI_001.png": ("Normal", "No", "No"),
        "ALWI_002.png": ("Benign", "Yes", "No"),
        "ALWI_003.png": ("Benign", "No", "Yes"),
        "COVA_000.png": ("Malignant", "No", "No"),
        "COVA_001.png": ("Malignant", "No", "No"),
        "VITR_000.png": ("Benign", "No", "No"),
        "ZZZZ_000.png": ("Benign", "No", "No"),
    }
    for seed, (name, (label, _, _)) in enumerate(frames.items()):
        picture(tmp_path / "images" / name, seed=seed)
        color = {"Benign": (0, 255, 0), "Malignant": (255, 0, 0), "Normal": (0, 0, 0)}[label]
        colored = np.zeros((ROWS, COLUMNS, 3), np.uint8)
        colored[2, 3] = color
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(colored).save(tmp_path / "masks" / name)
    picture(tmp_path / "masks/COVA_001.png", rows=COLUMNS, columns=ROWS)
    (tmp_path / "images/ZZZZ_000.png").write_bytes((tmp_path / "images/VITR_000.png").read_bytes())
    rows = [f"{name};856x606;{label};{doppler};No;{combined}" for name, (label, doppler, combined) in frames.items()]
    table = "\r\n".join(["Image;Resolution;Label;Doppler;Marks;Combined", *rows])
    (tmp_path / "INFO.csv").write_text(table, encoding="utf-8-sig")

    with caplog.at_level("INFO"):
        sections = {name: load_datalist(tmp_path, name, CLASSES) for name in ("training", "validation", "test")}
    names = {name: [Path(item["image"]).stem for item in items] for name, items in sections.items()}
    assert names == {"training": ["ALWI_000", "ALWI_001"], "validation": ["COVA_000"], "test": ["VITR_000"]}
    assert [item["diagnosis"] for item in sections["training"]] == ["benign", "normal"]
    assert [item["group"].split("/")[1] for item in sections["training"]] == ["ALWI", "ALWI"]
    lesions = [LoadMaskUniond()(dict(items[0]))["label"] for items in sections.values()]
    assert all(lesion.sum() == 1 and lesion[0, 2, 3] == 1 for lesion in lesions), "green and red are lesion alike"
    assert LoadMaskUniond()(dict(sections["training"][1]))["label"].sum() == 0
    for fault in ("Doppler frames", "frames of two", "frames whose mask has another size", "frames repeated under"):
        assert f": left out 1 {fault}" in caplog.text

    (tmp_path / "masks/ALWI_000.png").unlink()
    busuclm_sections.cache_clear()
    with pytest.raises(BundleError, match='lists "ALWI_000.png", but there is no masks/ALWI_000.png'):
        load_datalist(tmp_path, "training", CLASSES)
    (tmp_path / "INFO.csv").write_text("Image;Label;Doppler\nALWI_000.png;Benign;No\n")
    busuclm_sections.cache_clear()
    with pytest.raises(BundleError, match="INFO.csv lacks the column Combined"):
        load_datalist(tmp_path, "training", CLASSES)


@pytest.mark.parametrize("sections", [{"validation": []}, {}], ids=["empty", "missing"])
def test_a_marked_list_is_read_and_may_go_without_validation(tmp_path: Path, sections: dict[str, Any]) -> None:
    folder = listed_folder(tmp_path / "site")
    listed = json.loads((folder / "datalist.json").read_text()) | sections
    (folder / "datalist.json").write_text(json.dumps(listed), encoding="utf-8-sig")
    assert len(load_datalist(folder, "training", CLASSES)) == 1
    assert load_datalist(folder, "validation", CLASSES, may_be_empty=True) == []
    with pytest.raises(BundleError, match='lists nothing under "validation"'):
        load_datalist(folder, "validation", CLASSES)


@pytest.mark.parametrize("nothing", [None, "", [], [""]])
def test_no_folder_is_no_folder(nothing: Any) -> None:
    with pytest.raises(BundleError, match="Name one or several with --dataset_dir"):
        load_datalist(nothing, "training", CLASSES)
