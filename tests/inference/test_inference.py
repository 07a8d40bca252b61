"""configs/inference.json over a folder of all sorts: every column and file of the contract."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

BUNDLE = Path(__file__).parents[2] / "bundle"
SAMPLES = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())
COLUMNS = (
    "input,frame,region,sop_instance_uid,status,reason,lesion_found,diagnosis,malignancy_probability,indeterminate,"
    "reliability,area_px,area_mm2,long_axis_mm,short_axis_mm,mask,overlay,out_of_domain"
).split(",")
Make, Run = Callable[..., ConfigWorkflow], Callable[..., tuple[int, str]]


def read_rows(output_dir: Path) -> dict[str, dict[str, str]]:
    with open(output_dir / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["input"], row["frame"], row["region"]) for row in rows}) == len(rows)
    assert list(rows[0]) == COLUMNS
    return {row["input"]: row for row in rows}


def test_the_folder_of_all_sorts(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    out = tmp_path / "out"
    code, sentence = run(archive, out, weights[True])
    rows = read_rows(out)

    assert set(rows) == {str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file()}
    usable = ["gray.png", "deep/er/color.jpg", "deep/same.png", "deep/same.dcm", "1.2.840.99"]
    assert {name for name, row in rows.items() if row["status"] == "ok"} == set(usable)
    assert rows["gray_mask.png"]["status"] == "skipped" and rows["gray_mask.png"]["reason"].startswith("NOT_AN_IMAGE")
    assert rows["readme.txt"]["status"] == "skipped"
    assert rows["cut.dcm"]["status"] == "failed" and rows["cut.dcm"]["reason"].split()[0] == "PIXEL_DECODE_FAILED"
    assert (code, "5 analysed, 2 skipped, 1 failed" in sentence) == (1, True)
    empty = dict.fromkeys(COLUMNS[6:], "")
    assert all({name: row[name] for name in empty} == empty for row in rows.values() if row["status"] != "ok")

    names = {"gray.png": "gray", "deep/er/color.jpg": "deep/er/color", "deep/same.png": "deep/same.png",
             "deep/same.dcm": "deep/same.dcm", "1.2.840.99": "1.2.840.99"}  # fmt: skip
    sizes = {"gray.png": (90, 130), "deep/er/color.jpg": (70, 80), "deep/same.png": (70, 80)}
    for name in usable:
        row = rows[name]
        assert row["mask"] == f"masks/{names[name]}.png" and row["overlay"] == f"overlays/{names[name]}.png"
        with Image.open(out / row["mask"]) as image:
            mask = np.asarray(image)
        if name in sizes:
            assert mask.shape == sizes[name]
        else:
            header = pydicom.dcmread(archive / name)
            assert mask.shape == (header.Rows, header.Columns) and row["sop_instance_uid"] == header.SOPInstanceUID
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 255}
        assert (int(row["area_px"]), row["lesion_found"]) == (np.count_nonzero(mask), str(bool(mask.any())).lower())
        assert (out / row["overlay"]).is_file() and row["indeterminate"] == ""  # these weights are not calibrated
        assert (row["frame"], row["region"]) == ("0", "")
        if row["lesion_found"] == "true":
            assert row["diagnosis"] == ("malignant" if float(row["malignancy_probability"]) >= 0.5 else "benign")
        assert 0 <= float(row["reliability"]) <= 1
        for column in ("area_mm2", "long_axis_mm", "short_axis_mm"):
            assert bool(row[column]) == (name == "deep/same.dcm")
    row = rows["deep/same.dcm"]
    assert float(row["area_mm2"]) == pytest.approx(int(row["area_px"]) * 0.02, abs=0.01)

    archived = {str(path.relative_to(out / "dicom_sr")) for path in (out / "dicom_sr").rglob("*.dcm")}
    assert archived == {"deep/same.dcm.dcm", "1.2.840.99.dcm"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["finished"] and summary["counts"]["status"] == {"failed": 1, "ok": 5, "skipped": 2}
    assert (summary["rows"], summary["files"]) == (8, 8) and summary["calibrated"] is False
    assert summary["analysed"] == {"images": 5, "files": 5, "studies": 2}
    line = 1 + [text.split(",")[0] for text in (out / "predictions.csv").read_text().splitlines()].index("cut.dcm")
    assert f"Line {line} of predictions.csv: failed, PIXEL_DECODE_FAILED" in caplog.text
    assert summary["counts"]["reason"]["PIXEL_DECODE_FAILED"] == 1 and len(summary["weights_sha256"]) == 64
    assert {"bundle", "torch", "monai"} <= set(summary["versions"]) and len(summary["configuration_digest"]) == 64
    assert {"set_up", "reading", "network", "postprocessing", "writing", "report", "total"} == set(summary["seconds"])
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_nothing_found_is_told_by_an_empty_mask(tmp_path: Path, weights: dict[bool, Path], run: Run) -> None:
    out = tmp_path / "out"
    assert run(BUNDLE / "sample_data" / "dicom", out, weights[False], dicom_results=False) == (0, "")
    rows = read_rows(out)
    assert len(rows) == len(SAMPLES)
    for row in rows.values():
        assert (row["lesion_found"], row["diagnosis"], row["malignancy_probability"]) == ("false", "none", "")
        assert row["area_px"] == "0" and not np.asarray(Image.open(out / row["mask"])).any()
    assert not (out / "dicom_sr").exists()


@pytest.mark.slow
def test_an_image_of_another_kind_is_skipped_unless_any_image_is_to_be_analysed(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run: Run
) -> None:
    state = torch.load(weights[True], weights_only=True)
    torch.save({**state, "domain.whitening": 100 * torch.eye(224)}, tmp_path / "knows_nothing.pt")
    code, sentence = run(archive, tmp_path / "out", tmp_path / "knows_nothing.pt")
    row = read_rows(tmp_path / "out")["gray.png"]
    assert (row["status"], row["out_of_domain"], row["diagnosis"]) == ("skipped", "true", "")
    assert row["reason"].startswith("OUT_OF_DOMAIN unlike the breast ultrasound images that the network knows")
    assert (code, "0 analysed, 7 skipped, 1 failed" in sentence) == (1, True)
    assert not list((tmp_path / "out" / "masks").rglob("*.png"))

    run(archive, tmp_path / "any", tmp_path / "knows_nothing.pt", any_image="true")
    row = read_rows(tmp_path / "any")["gray.png"]
    assert (row["status"], row["out_of_domain"], bool(row["diagnosis"])) == ("ok", "true", True)
    assert row["reason"].startswith("OUT_OF_DOMAIN") and "any_image" not in row["reason"]


def test_a_second_run_resumes_and_another_is_refused(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run: Run
) -> None:
    out = tmp_path / "out"
    (archive / "cut.dcm").unlink()
    assert run(archive, out, weights[True], overlays=False)[0] == 0
    first, mask = read_rows(out), out / "masks" / "gray.png"
    mask.unlink()
    Image.new("L", (80, 80), 3).save(archive / "flat.png")
    Image.fromarray(np.eye(80, dtype=np.uint8) * 255).save(archive / "between.png")

    code, sentence = run(archive, out, weights[True], overlays=False)  # what is there is not done again
    assert (code, "1 failed" in sentence, mask.exists()) == (1, True, False)
    again = read_rows(out)
    assert {name: again[name] for name in first} == first
    assert [name for name in again if "/" not in name] == [
        "1.2.840.99", "between.png", "flat.png", "gray.png", "gray_mask.png", "readme.txt"
    ]  # fmt: skip

    for changed in ({"weights": weights[False]}, {"image_size": 96}, {"alpha": 0.25}, {"dataset_dir": BUNDLE / "docs"}):
        arguments = {"dataset_dir": archive, "output_dir": out, "weights": weights[True], "overlays": False, **changed}
        code, sentence = run(**arguments)
        assert (code, "--overwrite true" in sentence) == (2, True), changed
    assert run(archive, out, weights[True], overlays=False, overwrite=True)[0] == 1
    assert mask.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "absent.pt"}, "absent.pt"),
        ({"dataset_dir": "absent"}, "absent"),
        ({"dataset_dir": "empty"}, "--dataset_dir"),
        ({"num_candidates": 5, "weights": "other.pt"}, "image_encoder"),
    ],
)
def test_wrong_arguments_end_in_a_sentence_that_names_them(
    change: dict[str, Any], words: str, tmp_path: Path, weights: dict[bool, Path], run: Run
) -> None:
    (tmp_path / "empty").mkdir()
    state = torch.load(weights[True], weights_only=True)
    torch.save({name: value for name, value in state.items() if "image_encoder" not in name}, tmp_path / "other.pt")
    arguments = {"dataset_dir": BUNDLE / "sample_data" / "dicom", "weights": weights[True], **change}
    arguments = {name: tmp_path / value if isinstance(value, str) else value for name, value in arguments.items()}
    code, sentence = run(output_dir=tmp_path / "out", **arguments)
    assert code == 2 and words in sentence and sentence.count("\n") == 0
    assert not (tmp_path / "out").exists()


def test_the_config_has_the_zoos_properties(tmp_path: Path, weights: dict[bool, Path], make: Make) -> None:
    workflow = make(BUNDLE / "sample_data" / "dicom", tmp_path / "out", weights[True])
    assert workflow.check_properties() == []
    assert not (tmp_path / "out").exists()  # looking at a bundle writes nothing


def test_transforms_serve_one_image_by_itself(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], make: Make
) -> None:
    """As a server does: only a path goes in, transforms are called one by one."""
    workflow = make(archive, tmp_path / "out", weights[True])
    parser = workflow.parser
    network = parser.get_parsed_content("network").eval()
    inferer = parser.get_parsed_content("inferer")
    path = str(archive / "deep" / "er" / "color.jpg")
    item: dict[str, Any] = {"image": path, "image_path": path}
    for transform in parser.get_parsed_content("preprocessing").transforms:
        item = transform(item)
    with torch.no_grad():
        item["pred"] = {name: value[0] for name, value in inferer(item["image"][None], network).items()}
    for transform in parser.get_parsed_content("postprocessing").transforms:
        item = transform(item)
    assert item["pred"].shape == (70, 80) and item["pred"].dtype == torch.uint8
    answer = parser.get_parsed_content("answer")(item)["result"]
    json.dumps(answer, allow_nan=False)
    assert answer["lesion_found"] == bool(item["pred"].any())
    assert answer["calibrated"] is False and answer["indeterminate"] is None
    assert answer["area_mm2"] == "" and answer["evidence"]["candidates"] and "Research use only" in answer["note"]
