"""What a run has left, exported for annotators."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from scripts.inference.correction import export_masks
from scripts.sites import Site

ROWS, COLUMNS = 96, 80
COLUMNS_OF_TABLE = "input,frame,region,status,diagnosis,mask".split(",")


def draw_disk(row: int, column: int, radius: int, hole: int = 0) -> np.ndarray:
    rows, columns = np.ogrid[:ROWS, :COLUMNS]
    distance = np.hypot(rows - row, columns - column)
    return (distance <= radius) & (distance >= hole)


#: Input, frame, region, diagnosis, name of the mask, and the mask.
PREDICTED = [
    ("a/us.dcm", 0, "", "malignant", "a/us", draw_disk(40, 30, 12) | draw_disk(70, 60, 6)),
    ("b/us.png", 0, "", "benign", "b/us", draw_disk(20, 20, 15, hole=5)),
    ("b/empty.png", 0, "", "none", "b/empty", draw_disk(0, 0, -1)),
    ("cine", 0, 0, "none", "cine_f000_r0", draw_disk(0, 0, -1)),
    ("cine", 1, 0, "benign", "cine_f001_r0", draw_disk(50, 40, 9)),
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
            save_mask(folder / "masks" / f"{name}.png", mask)
    return folder


@pytest.fixture
def exported(tmp_path: Path, studies: Path, results: Path, site: Site) -> Path:
    export_masks(results, studies, tmp_path / "exported", site)
    return tmp_path / "exported"


def save_mask(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((mask * 255).astype(np.uint8)).save(path)


@pytest.fixture
def predicted() -> list[tuple[Any, ...]]:
    """Input, frame, region, diagnosis, name of the mask, and the mask."""
    return PREDICTED


@pytest.fixture
def disk() -> Callable[..., np.ndarray]:
    """``disk(row, column, radius, hole=0)``: a mask of the images' size."""
    return draw_disk


@pytest.fixture
def save() -> Callable[[Path, np.ndarray], None]:
    """``save(path, mask)``: as a picture."""
    return save_mask


@pytest.fixture
def changed(exported: Path) -> Callable[[str, Callable[[Any], Any]], Path]:
    """``changed(file, change)``: an exported file after someone has been at it."""

    def make(file: str, change: Callable[[Any], Any]) -> Path:
        content = json.loads((exported / file).read_text())
        (exported / "changed.json").write_text(json.dumps(change(content) or content))
        return exported / "changed.json"

    return make
