"""Strata, counting rules, intervals by group, paired comparison, and what is absent with its reason."""

import time
from pathlib import Path

import numpy as np
import pytest

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap
from scripts.evaluation.cases import CaseTable, number_columns
from scripts.evaluation.comparison import paired_comparison
from scripts.evaluation.metrics import METRICS
from scripts.evaluation.page import evaluation_markdown
from scripts.evaluation.summary import strata, summarise
from scripts.sites import Classes, load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes


def case(number, diagnosis="benign", dataset="busi", group=None, **numbers):
    normal = diagnosis == "normal"
    row = dict.fromkeys(number_columns(CLASSES), 0.0) | {"rows": 300, "columns": 400, "lesion_found": 1}
    row |= dict.fromkeys(("dice", "iou", "hd95", "dice_gate_off", "iou_gate_off"), np.nan if normal else 0.8)
    row |= {"true_area": 0 if normal else number / 1000, "predicted_area": number / 1000}
    group = number if group is None else group
    names = {"dataset": dataset, "image": f"{number:04d}.png", "group": f"{dataset}/{group}"}
    return row | names | {"diagnosis": diagnosis} | numbers


def test_an_undetected_malignant_lesion_counts_as_probability_zero():
    rows = [case(i, malignancy_probability=0.3) for i in range(1, 5)]
    rows += [case(i, "malignant", malignancy_probability=0.9) for i in range(5, 8)]
    rows += [case(8, "malignant", malignancy_probability=0.9, lesion_found=0, dice=0.0, iou=0.0, dice_gate_off=0.6)]
    rows[0]["iou"] = 0.49  # found, but somewhere else
    whole = summarise(CaseTable.from_rows(rows, CLASSES))["all"]
    assert whole["auc"]["value"] == pytest.approx(3 / 4) and whole["auc_gate_off"]["value"] == 1
    assert whole["sensitivity"]["value"] == pytest.approx(3 / 4) and whole["specificity"]["value"] == 1
    assert whole["accuracy"]["value"] == pytest.approx(7 / 8)
    assert whole["brier"]["value"] == pytest.approx((4 * 0.09 + 3 * 0.01 + 1) / 8)
    assert whole["dice"]["value"] == pytest.approx(0.7) and whole["dice_gate_off"]["value"] == pytest.approx(0.775)
    assert whole["lesions_found"]["value"] == pytest.approx(7 / 8)
    assert whole["lesions_located"]["value"] == pytest.approx(6 / 8)
    assert whole["auc_true_area"]["value"] == 1  # areas grow with the number


def test_evidence_is_scored_only_inside_datasets_with_normals():
    rows = [case(i, lesion_evidence=1.0) for i in range(1, 4)] + [case(4, lesion_evidence=-3.0)]
    rows += [case(i, "normal", lesion_evidence=-1.0, lesion_found=float(i == 5)) for i in range(5, 9)]
    rows += [case(i, dataset="busbra", lesion_evidence=-9.0) for i in range(9, 40)]
    summary = summarise(CaseTable.from_rows(rows, CLASSES))
    assert summary["all"]["evidence_auc"]["value"] == summary["busi"]["evidence_auc"]["value"] == pytest.approx(0.75)
    assert summary["all"]["normals_with_mask"]["value"] == 0.25
    assert summary["all"]["dice"]["cases"] == 35
    assert summary["busbra"]["absent"]["evidence_auc"] == "needs lesions and normals in one dataset"
    assert "normals_with_mask" in summary["busbra"]["absent"]


def test_sizes_are_terciles_of_true_area_within_each_dataset():
    rows = [case(i, true_area=i / 100) for i in range(1, 7)] + [case(7, "normal")]
    rows += [case(i, dataset="big", true_area=i / 100) for i in range(50, 53)] + [case(1, dataset="few")]
    table = CaseTable.from_rows(rows, CLASSES)
    by_image = dict(zip(zip(table["dataset"], table["image"], strict=True), table["size"], strict=True))
    assert [by_image["busi", f"{i:04d}.png"] for i in (1, 2, 3, 4, 5, 6, 7)] == (
        ["small"] * 2 + ["medium"] * 2 + ["large"] * 2 + [""]
    )
    assert [by_image["big", f"{i:04d}.png"] for i in (50, 51, 52)] == ["small", "medium", "large"]
    assert by_image["few", "0001.png"] == ""
    assert strata(table)["all/small"].sum() == 3 and "few/small" not in strata(table)


def test_what_cannot_be_computed_is_absent_with_its_reason():
    whole = summarise(CaseTable.from_rows([case(1), case(2)], CLASSES))["all"]
    assert "auc" not in whole and whole["absent"]["auc"] == "needs benign and malignant lesions"
    assert "sensitivity" in whole["absent"] and "normals_with_mask" in whole["absent"]
    assert "needs 15 images" in whole["absent"]["ece"]
    assert "interval" not in whole["dice"] and "at least 10 groups, there are 2" in whole["dice"]["no_interval"]
    only_normals = summarise(CaseTable.from_rows([case(1, "normal")], CLASSES))["all"]
    assert "dice" in only_normals["absent"] and only_normals["normals_with_mask"]["value"] == 1


def test_a_lesion_without_a_drawn_mask_is_diagnosed_but_not_measured():
    rows = [case(1), case(2, **dict.fromkeys(("dice", "iou", "hd95", "dice_gate_off", "iou_gate_off"), np.nan))]
    whole = summarise(CaseTable.from_rows(rows, CLASSES))["all"]
    assert whole["dice"]["cases"] == 1 and whole["accuracy"]["cases"] == 2


def test_of_three_classes_the_likeliest_counts_and_one_is_told_from_the_rest():
    three = Classes(("rust", "mildew", "blight"), "blight", probability="blight_probability")

    def leaf(number, kind, rust, mildew, blight, found=1):
        told = {"rust_probability": rust, "mildew_probability": mildew, "blight_probability": blight}
        return case(number, kind) | told | {"lesion_found": found}

    rows = [
        leaf(1, "rust", 0.5, 0.3, 0.2),
        leaf(2, "mildew", 0.5, 0.4, 0.1),  # called rust: wrong, but not blight
        leaf(3, "blight", 0.3, 0.3, 0.4),
        leaf(4, "blight", 0.1, 0.1, 0.8, found=0),  # not found: of no class
    ]
    whole = summarise(CaseTable.from_rows(rows, three))["all"]
    assert (whole["accuracy"]["value"], whole["sensitivity"]["value"], whole["specificity"]["value"]) == (0.5, 0.5, 1)
    assert (whole["auc"]["value"], whole["auc_gate_off"]["value"]) == (0.5, 1)


def test_intervals_draw_groups_not_images():
    values = np.random.default_rng(0).random(40)
    once = [case(i, dice=v) for i, v in enumerate(values, 1)]
    copies = [case(100 * c + i, group=i, dice=v) for c in range(1, 6) for i, v in enumerate(values, 1)]
    alone = [case(100 * c + i, dice=v) for c in range(1, 6) for i, v in enumerate(values, 1)]
    width = {}
    for name, rows in {"once": once, "copies": copies, "alone": alone}.items():
        low, high = METRICS["dice"](CaseTable.from_rows(rows, CLASSES), Bootstrap())["interval"]
        width[name] = high - low
    # The same 40 patients five times over are no more evidence than once; 200 patients would be.
    assert width["copies"] == pytest.approx(width["once"], rel=0.1)
    assert width["alone"] == pytest.approx(width["once"] / np.sqrt(5), rel=0.1)
    expected = 2 * 1.96 * values.std() / np.sqrt(40)
    assert width["once"] == pytest.approx(expected, rel=0.1)


def test_a_paired_comparison_sees_a_small_constant_gain():
    rng = np.random.default_rng(1)
    hard = rng.random(60) * 0.8
    gain = 0.02 + 0.01 * rng.standard_normal(60)
    first = CaseTable.from_rows([case(i, dice=v) for i, v in enumerate(hard + gain, 1)], CLASSES)
    second = CaseTable.from_rows([case(i, dice=v) for i, v in enumerate(hard, 1)], CLASSES)
    found = paired_comparison(first, second, "dice")
    assert found["difference"] == pytest.approx(gain.mean())
    assert found["interval"][0] > 0.015 and found["interval"][1] < 0.025 and found["p"] < 0.01
    same = paired_comparison(second, second, "dice")
    assert same["difference"] == 0 and same["interval"] == [0, 0] and same["p"] == 1


def test_a_comparison_with_area_alone_and_its_errors():
    rng = np.random.default_rng(2)
    rows = [case(i, "malignant" if i % 2 else "benign", malignancy_probability=i % 2 * 0.9) for i in range(1, 41)]
    table = CaseTable.from_rows([row | {"true_area": rng.random()} for row in rows], CLASSES)
    found = paired_comparison(table, table, "auc", "auc_true_area")
    assert found["first"] == 1 and found["difference"] == pytest.approx(1 - found["second"])
    with pytest.raises(BundleError, match="0001.png.*only in one"):
        paired_comparison(table, CaseTable.from_rows(rows[1:], CLASSES), "dice")
    with pytest.raises(BundleError, match="at least 10 groups"):
        paired_comparison(table.select(np.arange(4)), table.select(np.arange(4)), "dice")
    with pytest.raises(BundleError, match="no metric"):
        paired_comparison(table, table, "dise")


def test_the_table_survives_its_file(tmp_path):
    table = CaseTable.from_rows([case(1, dice=1 / 3), case(2, "normal"), case(3, "malignant")], CLASSES)
    table.write(tmp_path / "cases.csv")
    again = CaseTable.read(tmp_path / "cases.csv", CLASSES)
    for name, values in table.columns.items():
        np.testing.assert_array_equal(again[name], values)
    (tmp_path / "cases.csv").write_text("image\n1.png\n")
    with pytest.raises(BundleError, match='lacks the column "dataset"'):
        CaseTable.read(tmp_path / "cases.csv", CLASSES)
    with pytest.raises(BundleError, match="does not exist"):
        CaseTable.read(tmp_path / "none.csv", CLASSES)


def test_the_page_names_numbers_intervals_and_reasons():
    rows = [case(i, dice=0.5 + i / 100, malignancy_probability=0.2) for i in range(1, 21)]
    page = evaluation_markdown(summarise(CaseTable.from_rows(rows, CLASSES)), {"weights": "model.pt"}, CLASSES)
    assert "* weights: model.pt" in page and "| busi | 20 | 0.605 (" in page and "Research use only." in page
    absent = "AUC; AUC, gate off; AUC, true area alone; AUC, predicted area alone: needs benign and malignant lesions."
    assert f"* busi: {absent}" in page
    assert sum(line.startswith("| busi/small |") for line in page.splitlines()) == 2
    assert "| all |" not in page  # one dataset is all there is
    two = summarise(CaseTable.from_rows([*rows, case(1, "normal", dataset="other")], CLASSES))
    assert "| all | 20 | 0.605 (" in evaluation_markdown(two, {}, CLASSES)


def test_two_thousand_resamples_of_every_metric_take_seconds_at_most():
    rng = np.random.default_rng(5)
    rows = [
        case(i, ("benign", "malignant")[i % 2], group=i // 2, malignancy_probability=rng.random(), dice=rng.random())
        for i in range(1, 541)
    ]
    table = CaseTable.from_rows(rows, CLASSES)
    start = time.process_time()
    METRICS["auc"](table, Bootstrap(resamples=2000))
    assert time.process_time() - start < 2
