"""What a run has found, told on the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.inference.prediction_table import PredictionTable, table_columns
from scripts.inference.show_results import report

BUNDLE = Path(__file__).parents[2] / "bundle"
ROW = {"frame": "0", "region": "", "status": "ok", "indeterminate": "false", "reliability": "0.814", "reason": ""}
LESION = {**ROW, "input": "a.dcm", "lesion_found": "true", "diagnosis": "malignant", "malignancy_probability": "0.9"}
NORMAL = {**ROW, "input": "b/c.dcm", "frame": "3", "lesion_found": "false", "diagnosis": "none"}
FAILED = {**ROW, "input": "d", "status": "failed", "reason": "UNREADABLE"}
SUMMARY = {"site": {"probability": "malignancy_probability"}, "calibrated": True, "finished": True}


def test_every_row_and_the_counts_are_told(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    doubtful = {**LESION, "input": "b/c.dcm", "frame": "12", "region": "1", "indeterminate": "true"}
    lines = report(tmp_path, [LESION, NORMAL, doubtful, FAILED], SUMMARY).splitlines()
    lesion = "lesion found, malignant, malignancy probability 0.90, mask reliability 0.81"
    assert lines[:4] == [
        f"a.dcm                        {lesion}",
        "b/c.dcm, frame 3             no lesion found, mask reliability 0.81",
        f"b/c.dcm, frame 12, region 1  {lesion}; indeterminate",
        "d                            failed: UNREADABLE",
    ]
    assert lines[5:7] == [
        "3 images of 2 files analysed, 0 skipped, 1 failed.", "2 with a lesion (2 malignant), 1 without."
    ]  # fmt: skip
    assert lines[7] == f"Results: {tmp_path}/predictions.csv; masks: {tmp_path}/masks" and "Research use" in lines[8]


def test_what_is_not_calibrated_or_not_finished_is_said() -> None:
    told = report(Path("out"), [{**LESION, "indeterminate": ""}], {**SUMMARY, "calibrated": False, "finished": False})
    assert "not calibrated" in told and "run the same command again" in told


@pytest.mark.parametrize("rows", [[FAILED], [{**FAILED, "status": "skipped"}], [LESION, NORMAL], []])
def test_any_run_can_be_shown(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """Of any site, with names that the terminal cannot write."""
    table = PredictionTable(tmp_path / "predictions.csv", table_columns("melanoma_probability"))
    table.start({**row, "input": f"é{row['input']}", "melanoma_probability": "0.9"} for row in rows)
    summary = {**SUMMARY, "site": {"probability": "melanoma_probability"}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    done = subprocess.run(
        [sys.executable, "-m", "scripts.inference.show_results", tmp_path], text=True, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(BUNDLE), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    if not rows:
        assert done.returncode == 2 and "holds no results" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert "Research use only" in done.stdout and ("melanoma probability 0.90" in done.stdout) == (rows[0] is LESION)
