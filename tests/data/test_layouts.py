"""Public data sets of other sites in the layouts of their authors, on tiny trees."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.data import load_datalist
from scripts.data.layouts import LAYOUTS
from scripts.errors import BundleError
from scripts.sites import load_site

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
SKIN, POLYP, THYROID = (
    load_site(name, BUNDLE).classes for name in ("skin_dermoscopy", "polyp_colonoscopy", "thyroid_ultrasound")
)


def picture(path: Path, seed: int = 0, mask: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((12, 16), np.uint8)
    if mask:
        pixels[4:8, 4:8] = 255
    else:
        pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def pairs(folder: Path, images: str, masks: str, names: list[str], suffix: str = "", kind: str = "jpg") -> None:
    for number, name in enumerate(names):
        picture(folder / images / f"{name}.{kind}", number)
        picture(folder / masks / f"{name}{suffix}.{'png' if suffix else kind}", mask=True)


def groups(folder: Path, classes: object, *sections: str) -> list[set[str]]:
    """The groups of each section; each item's files exist, or the list would have been refused."""
    return [{item["group"].split("/", 1)[1] for item in load_datalist(folder, name, classes)} for name in sections]


def test_kvasir_groups_frames_that_look_alike(tmp_path: Path) -> None:
    names = [f"cju{number:02d}" for number in range(8)]
    pairs(tmp_path, "images", "masks", names)
    again = (tmp_path / "images" / "cju00.jpg").read_bytes()
    (tmp_path / "images" / "cju01.jpg").write_bytes(again)
    (tmp_path / "kavsir_bboxes.json").write_text("{}")
    training, validation = groups(tmp_path, POLYP, "training", "validation")
    assert len(training | validation) == 7 and not training & validation and len(validation) == 2
    (tmp_path / "masks" / "cju02.jpg").unlink()
    with pytest.raises(BundleError, match='has no "masks/cju02.jpg"'):
        load_datalist(_renamed(tmp_path), "training", POLYP)


def _renamed(folder: Path) -> Path:
    """The same files at another address, which no cache knows."""
    return folder.rename(folder.with_name(f"{folder.name}-again"))


def test_isic_takes_the_diagnosis_from_its_table(tmp_path: Path) -> None:
    names = [f"ISIC_000000{number}" for number in range(8)]
    part1 = "ISBI2016_ISIC_Part1_Training"
    pairs(tmp_path, f"{part1}_Data", f"{part1}_GroundTruth", names, "_Segmentation")
    rows = "".join(f"{name},{'malignant' if number < 4 else 'benign'}\n" for number, name in enumerate(names))
    (tmp_path / "ISBI2016_ISIC_Part3_Training_GroundTruth.csv").write_text(rows)
    items = load_datalist(tmp_path, "training", SKIN)
    assert {item["diagnosis"] for item in items} == {"benign", "malignant"} and len(items) == 6
    assert [item["diagnosis"] for item in load_datalist(tmp_path, "validation", SKIN)].count("malignant") == 1


def test_isic_2018_keeps_its_own_sections(tmp_path: Path) -> None:
    for section, name in (("Training", "ISIC_0000001"), ("Validation", "ISIC_0000002"), ("Test", "ISIC_0000003")):
        images, masks = f"ISIC2018_Task1-2_{section}_Input", f"ISIC2018_Task1_{section}_GroundTruth"
        pairs(tmp_path, images, masks, [name], "_segmentation")
    assert groups(tmp_path, POLYP, "training", "validation", "test") == [
        {"ISIC_0000001"}, {"ISIC_0000002"}, {"ISIC_0000003"},
    ]  # fmt: skip


def test_ph2_reads_its_table(tmp_path: Path) -> None:
    head = "||   Name || Histological Diagnosis || Clinical Diagnosis || Asymmetry ||\n"
    rows = "".join(f"|| IMD{number:03d} ||   || {2 if number < 4 else number % 2} || 0 ||\n" for number in range(12))
    (tmp_path / "PH2_dataset.txt").write_text(head + rows)
    for number in range(12):
        name = f"IMD{number:03d}"
        base = tmp_path / "PH2 Dataset images" / name
        picture(base / f"{name}_Dermoscopic_Image" / f"{name}.bmp", number)
        picture(base / f"{name}_lesion" / f"{name}_lesion.bmp", mask=True)
    items = load_datalist(tmp_path, "training", SKIN) + load_datalist(tmp_path, "validation", SKIN)
    assert {item["group"][-6:] for item in items if item["diagnosis"] == "malignant"} == {
        "IMD000", "IMD001", "IMD002", "IMD003",
    }  # fmt: skip
    (tmp_path / "PH2_dataset.txt").write_text(head + "|| IMD000 ||  ||  || 0 ||\n")
    with pytest.raises(BundleError, match='has no clinical diagnosis of "IMD000"'):
        load_datalist(tmp_path, "training", SKIN)


def test_ddti_splits_patients(tmp_path: Path) -> None:
    names = [f"{patient}_{view}" for patient in range(1, 9) for view in (1, 2)]
    pairs(tmp_path, "p_image", "p_mask", names, kind="PNG")
    training, validation = groups(tmp_path, THYROID, "training", "validation")
    assert len(validation) == 2 and len(training) == 6 and not training & validation


def test_ddti_with_outlines_as_xml_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_text("<case/>")
    picture(tmp_path / "1_1.jpg")
    with pytest.raises(BundleError, match="outlines as XML, which are no masks. Use the form with p_image/"):
        load_datalist(tmp_path, "training", THYROID)


def test_tn3k_follows_its_authors_fold(tmp_path: Path) -> None:
    pairs(tmp_path, "trainval-image", "trainval-mask", [f"{number:04d}" for number in range(4)])
    pairs(tmp_path, "test-image", "test-mask", ["0000"])
    assert len(groups(tmp_path, THYROID, "validation")[0]) == 1
    (tmp_path / "tn3k-trainval-fold0.json").write_text(json.dumps({"train": [0, 2], "val": [1, 3]}))
    assert groups(tmp_path, THYROID, "training", "validation", "test") == [
        {"0000", "0002"}, {"0001", "0003"}, {"test-0000"},
    ]  # fmt: skip


def test_no_folder_is_taken_for_another_layout(tmp_path: Path) -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) == 8
    with pytest.raises(BundleError, match="is in no public layout \\(BUS-BRA, .*TN3K\\). Check --dataset_dir."):
        load_datalist(tmp_path, "training", POLYP)


@pytest.mark.skipif("RADVLSM_DATA" not in os.environ, reason="RADVLSM_DATA names no folder of data sets")
@pytest.mark.parametrize(
    ("name", "classes"), [("skin", SKIN), ("polyp", POLYP), ("thyroid", THYROID)], ids=["skin", "polyp", "thyroid"]
)
def test_real_lists_of_other_sites_are_read(name: str, classes: object) -> None:
    folder = Path(os.environ["RADVLSM_DATA"]) / name
    if not folder.is_dir():
        pytest.skip(f"RADVLSM_DATA has no folder {name}")
    training, validation = (load_datalist(folder, section, classes) for section in ("training", "validation"))
    assert len(training) > 100 and len(validation) > 20
    assert not {item["group"] for item in training} & {item["group"] for item in validation}
