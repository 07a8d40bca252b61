"""studies.csv: from predictions and masks alone, by study, the same after every crash."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from scripts.findings.measurements import connected_parts
from scripts.findings.tracks import Reading, StudyRules
from scripts.inference import StripWriter, StudyTable
from scripts.inference.strips import choose_thumbnails, strip_path
from scripts.inference.tables.lesions import lesion_columns
from scripts.inference.tables.predictions import PredictionTable, table_columns
from scripts.inference.tables.views import Sighting
from scripts.sites import Site

BUNDLE = Path(__file__).parents[3] / "bundle"
Box = tuple[int, int, int, int]
Run = Callable[..., tuple[int, str]]
BENIGN, MALIGNANT = {"malignancy_probability": 0.2}, {"malignancy_probability": 0.9}
SMALL, LARGE = (5, 5, 15, 15), (20, 20, 40, 40)


class Results:
    """A finished run, image by image."""

    def __init__(self, root: Path, site: Site) -> None:
        self.root, self.site, self.items = root, site, []
        self.rows: list[dict[str, Any]] = []
        self.lesions: list[dict[str, Any]] = []

    def add(
        self, name: str, *boxes: Box, frame: int = 0, region: int = -1, study: str | None = None,
        each: Sequence[dict[str, Any]] = (), **cells: Any,
    ) -> None:  # fmt: skip
        """One image with lesions in these boxes; ``each``: cells of lesions.csv of each, largest first."""
        mask = np.zeros((60, 80), np.uint8)
        for top, left, bottom, right in boxes:
            mask[top:bottom, left:right] = 255
        path = f"masks/{len(self.items)}.png"
        (self.root / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(self.root / path)
        key = {"input": name, "frame": frame, "region": region}
        self.items.append(key | {"row": len(self.items)} | ({} if study is None else {"study": study}))
        probability = cells.get("malignancy_probability", 0.9)
        row = {"status": "ok", "lesion_found": bool(boxes), "diagnosis": "none", "indeterminate": False}
        if boxes:
            row |= {"diagnosis": "malignant" if probability >= 0.5 else "benign"}
            row |= {"malignancy_probability": probability, "area_px": np.count_nonzero(mask)}
        self.rows.append(key | row | {"reliability": 0.8, "mask": path, **cells})
        for number, (_, part) in enumerate(connected_parts(mask > 0)):
            own = {"lesion": number, "flags": "", "area_px": np.count_nonzero(part)}
            self.lesions.append(self.rows[-1] | own | (each[number] if each else {}))

    def table(self, rules: StudyRules = StudyRules()) -> list[dict[str, str]]:
        columns = table_columns(self.site.classes.probability)
        PredictionTable(self.root / "predictions.csv", columns).start(self.rows)
        columns = lesion_columns(self.site.classes.probability)
        PredictionTable(self.root / "lesions.csv", columns).start(self.lesions)
        StudyTable(self.items, self.root, self.site, rules).write()
        with open(self.root / "studies.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def results(tmp_path: Path, site: Site) -> Results:
    return Results(tmp_path, site)


def told(rows: Sequence[dict[str, str]], columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in columns.split()) for row in rows]


def test_two_views_that_disagree_give_one_answer_and_say_so(results: Results) -> None:
    results.add("a.dcm", SMALL, study="1.2", reliability=0.7, **BENIGN)
    results.add("b.dcm", LARGE, study="1.3", **BENIGN)
    results.add("c.dcm", LARGE, study="1.2", reliability=0.9, **MALIGNANT)
    rows = results.table()
    assert told(rows, "study input track views images_with_lesion diagnosis malignancy_probability views_disagree") == [
        ("1.3", "", "", "1", "1", "benign", "0.2", "false"),
        ("1.3", "b.dcm", "0", "1", "1", "benign", "0.2", "false"),
        ("1.2", "", "", "2", "2", "malignant", "0.55", "true"),
        ("1.2", "a.dcm", "0", "1", "1", "benign", "0.2", "false"),
        ("1.2", "c.dcm", "0", "1", "1", "malignant", "0.9", "false"),
    ]
    columns = "key_mask reliability malignancy_probability_min malignancy_probability_max area_px_median"
    assert told(rows[2:3], columns) == [("masks/2.png", "0.9", "0.2", "0.9", "250")]
    assert results.table(StudyRules(combine="max"))[2]["malignancy_probability"] == "0.9"


def test_a_cine_has_a_row_for_each_lesion(results: Results) -> None:
    for frame, boxes in enumerate(((LARGE,), (LARGE, SMALL), (SMALL,), (), (SMALL,))):
        cells = {"malignancy_probability": 0.1 * (1 + frame), "reliability": 0.5 + 0.1 * frame}
        sizes = {LARGE: {"area_mm2": 16.0, "long_axis_mm": 5 + frame}, SMALL: {"area_mm2": 4.0, "long_axis_mm": 2.5}}
        each = [sizes[box] for box in boxes]
        results.add("cine.dcm", *boxes, frame=frame, study="1.2", each=each, **cells)
    whole, large, small = results.table()
    columns = "images images_with_lesion share first_frame last_frame key_frame malignancy_probability_median"
    assert told([whole, large, small], columns) == [
        ("5", "4", "0.8", "", "", "4", "0.3333"),
        ("5", "2", "0.4", "0", "1", "1", "0.15"),
        ("5", "3", "0.6", "1", "4", "4", "0.3"),
    ]
    assert told([large, small], "area_px_min area_px_max area_mm2_min area_mm2_max") == [
        ("400", "400", "16", "16"), ("100", "100", "4", "4")
    ]  # fmt: skip
    assert told([large, small], "long_axis_mm_min long_axis_mm_max") == [("5", "6"), ("2.5", "2.5")]


def test_two_lesions_of_a_study_keep_their_own_answers(results: Results) -> None:
    calm = {"malignancy_probability": 0.1, "diagnosis": "benign", "reliability": 0.9}
    grave = {"malignancy_probability": 0.8, "diagnosis": "malignant", "reliability": 0.6, "flags": "indeterminate"}
    for frame in range(2):
        results.add("cine.dcm", LARGE, SMALL, frame=frame, study="1.2", each=(calm, grave), **BENIGN)
    results.add("still.png", SMALL, LARGE, study="1.2", each=(grave, calm), **MALIGNANT)
    rows = results.table()
    columns = "input track diagnosis malignancy_probability malignancy_probability_max indeterminate reliability"
    assert told(rows[1:], columns) == [
        ("cine.dcm", "0", "benign", "0.1", "0.1", "false", "0.9"),
        ("cine.dcm", "1", "malignant", "0.8", "0.8", "true", "0.6"),
        ("still.png", "0", "malignant", "0.8", "0.8", "true", "0.6"),
        ("still.png", "1", "benign", "0.1", "0.1", "false", "0.9"),
    ]
    # Of each view the most suspicious of its equally lasting lesions.
    assert told(rows[:1], "views diagnosis malignancy_probability_min") == [("2", "malignant", "0.8")]


def test_a_speck_stands_for_no_view(results: Results) -> None:
    speck = {"malignancy_probability": 0.9, "diagnosis": "malignant", "flags": "indeterminate; speck"}
    results.add("a.png", LARGE, SMALL, each=({}, speck), **BENIGN)
    rows = results.table()
    assert told(rows, "track diagnosis") == [("", "benign"), ("0", "benign"), ("1", "malignant")]


def test_without_calibration_nothing_is_said_of_doubt(results: Results) -> None:
    results.add("a.png", LARGE, each=[{"flags": "not calibrated"}])
    assert [row["indeterminate"] for row in results.table()] == ["", ""]


def test_regions_are_views_of_their_own(results: Results) -> None:
    for frame in range(2):
        for region in range(2):
            results.add("dual.dcm", LARGE, frame=frame, region=region, study="1.2", **(MALIGNANT if region else BENIGN))
    rows = results.table()
    assert told(rows, "region track views images views_disagree") == [
        ("", "", "2", "4", "true"), ("0", "0", "1", "2", "false"), ("1", "0", "1", "2", "false")
    ]  # fmt: skip


def test_without_a_study_uid_the_file_stands_for_it_or_its_folder(results: Results) -> None:
    for name, study in (("a/1.png", None), ("a/2.dcm", ""), ("b.png", None)):
        results.add(name, LARGE, study=study)
    assert [row["study"] for row in results.table() if not row["input"]] == ["a/1.png", "a/2.dcm", "b.png"]
    of_folders = results.table(StudyRules(pictures="folder"))
    assert [row["study"] for row in of_folders if not row["input"]] == ["a/", "./"]


@pytest.mark.parametrize("name", ['a, "b".png', "a\nb/c,d.png", "ä'=1+1.png"])
def test_any_name_comes_back(name: str, results: Results) -> None:
    results.add(name, LARGE)
    rows = results.table()
    assert told(rows, "study input") == [(name, ""), (name, name)]


def test_what_was_not_analysed_or_has_no_mask_any_more_takes_no_part(results: Results) -> None:
    results.add("a.png", LARGE, status="failed")
    results.add("b.png")
    results.add("c.png", LARGE)
    (results.root / "masks" / "2.png").unlink()
    rules = StudyRules(pictures="folder")
    assert told(results.table(rules), "study views images images_with_lesion diagnosis key_mask") == [
        ("./", "2", "2", "0", "none", "")
    ]


def test_the_strip_is_named_after_its_input_and_region() -> None:
    names = {"a_f003": "a", "b/a_f1003_r1": "b/a_r1", "a_f003_b": "a_f003_b"}
    assert {name: strip_path({"mask": f"masks/{name}.png"}) for name in names} == {
        name: f"strips/{strip}.png" for name, strip in names.items()
    }


def test_thumbnails_are_spread_and_hold_the_key_frame() -> None:
    rows = [{"frame": str(frame)} for frame in range(0, 60, 2)]
    assert [row["frame"] for row in choose_thumbnails(rows, None)] == ["0", "14", "28", "44", "58"]
    assert [row["frame"] for row in choose_thumbnails(rows, 32)] == ["0", "14", "32", "44", "58"]
    assert [row["frame"] for row in choose_thumbnails(rows[:2], 2)] == ["0", "2"]


def test_a_strip_does_without_unreadable_frames(tmp_path: Path, site: Site) -> None:
    items = [{"input": "a.dcm", "frame": frame, "region": -1} for frame in range(2)]
    strips = StripWriter(items, tmp_path, site, lambda item: {"status": "failed"})
    rows = [{"input": "a.dcm", "frame": frame, "region": "", "mask": f"masks/a_f00{frame}.png"} for frame in "01"]
    benign = Reading("benign", 0.2, 0.7)
    seen = Sighting(1, rows[1]["mask"], 0, benign, {})
    strips.draw(list(zip(rows, (None, seen), strict=True)), benign, 1, 1)
    strips.draw([(row, None) for row in rows], None, None, 0)
    assert [path.name for path in (tmp_path / "strips").iterdir()] == ["a.png"]


@pytest.mark.slow
def test_a_run_that_goes_on_writes_the_same_studies(tmp_path: Path, run: Run) -> None:
    root, out, weights = tmp_path / "in", tmp_path / "out", BUNDLE / "models" / "model.pt"
    root.mkdir()
    picture = pydicom.dcmread(BUNDLE / "sample_data" / "dicom" / "SAMPLE-001" / "us.dcm").pixel_array
    frames = [Image.fromarray(np.roll(picture, 3 * step, axis=1)) for step in range(4)]
    frames[0].save(root / "cine.tif", save_all=True, append_images=frames[1:])
    frames[1].save(root / "still.png")
    assert run(root, out, weights, image_size=160) == (0, "")
    whole, strip = (out / "studies.csv").read_bytes(), out / "strips" / "cine.tif.png"
    assert strip.is_file() and b"\ncine.tif,cine.tif,,0," in whole
    lines = (out / "predictions.csv").read_text().splitlines(keepends=True)
    (out / "predictions.csv").write_text("".join(lines[:3]))
    for path in (out / "studies.csv", strip):
        path.unlink()
    assert run(root, out, weights, image_size=160) == (0, "")
    assert (out / "studies.csv").read_bytes() == whole and strip.is_file()
    assert run(root, tmp_path / "plain", weights, image_size=160, overlays=False) == (0, "")
    assert (tmp_path / "plain" / "studies.csv").read_bytes() == whole
    assert not (tmp_path / "plain" / "overlays").exists() and not (tmp_path / "plain" / "strips").exists()
