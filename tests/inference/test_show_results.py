"""What a run has found, told on the terminal."""

from __future__ import annotations

from pathlib import Path

from scripts.inference.show_results import report

ROW = {"status": "ok", "indeterminate": "false", "reliability": "0.814", "reason": ""}
LESION = {**ROW, "input": "a.dcm", "lesion_found": "true", "diagnosis": "malignant", "malignancy_probability": "0.9"}
NORMAL = {**ROW, "input": "b/c.dcm", "lesion_found": "false", "diagnosis": "none", "indeterminate": "true"}
FAILED = {**ROW, "input": "d", "status": "failed", "reason": "UNREADABLE"}


def test_every_row_and_the_counts_are_told() -> None:
    lines = report(Path("out"), [LESION, NORMAL, FAILED]).splitlines()
    assert lines[0] == "a.dcm    lesion found, malignant, malignancy probability 0.90, reliability 0.81"
    assert lines[1] == "b/c.dcm  no lesion found, reliability 0.81; indeterminate"
    assert lines[2] == "d        failed: UNREADABLE"
    assert lines[4] == "2 of 3 images analysed: 1 with a lesion (1 malignant, 0 benign), 1 without."
    assert "out/predictions.csv" in lines[5]
