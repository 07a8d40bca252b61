"""What a run has found, told on the terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from scripts.errors import BundleError
from scripts.inference.show_results import main, report
from scripts.inference.tables.predictions import PredictionTable, table_columns

ROW = {"frame": "0", "region": "", "status": "ok", "indeterminate": "false", "reliability": "0.814", "reason": ""}
LESION = {**ROW, "input": "a.dcm", "lesion_found": "true", "diagnosis": "malignant", "malignancy_probability": "0.9"}
NORMAL = {**ROW, "input": "b/c.dcm", "frame": "3", "lesion_found": "false", "diagnosis": "none"}
FAILED = {**ROW, "input": "d", "status": "failed", "reason": "UNREADABLE"}
SUMMARY = {"site": {"probability": "malignancy_probability"}, "calibrated": True, "finished": True}


def test_every_row_and_the_counts_are_told(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "report.html").touch()
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
        "3 images of 2 files analysed, 0 skipped, 1 failed.",
        "2 with a lesion (2 malignant), 1 indeterminate, 1 without.",
    ]
    assert lines[7] == f"Results: {tmp_path}/predictions.csv; masks: {tmp_path}/masks"
    assert lines[8] == f"To look at them, open {tmp_path}/report.html in a browser." and "Research use" in lines[9]


def test_studies_are_told_in_one_line() -> None:
    tracks = [{"study": study, "input": name, "views_disagree": said} for study, name, said in (
        ("1.2", "", "true"), ("1.2", "a", "true"), ("1.2", "b", "false"), ("1.3", "", ""), ("1.4", "", "false"),
        ("1.4", "c", "false"),
    )]  # fmt: skip
    line = "Studies: 3, with 3 lesion tracks, views disagree in 1; see studies.csv."
    assert line in report(Path("out"), [LESION], SUMMARY, tracks).splitlines()
    assert "Studies: 1, with 0 lesion tracks; see" in report(Path("out"), [LESION], SUMMARY, tracks[3:4])


def test_what_is_not_calibrated_or_not_finished_is_said() -> None:
    told = report(Path("out"), [{**LESION, "indeterminate": ""}], {**SUMMARY, "calibrated": False, "finished": False})
    assert "not calibrated" in told and "run the same command again" in told


@pytest.mark.parametrize("rows", [[FAILED], [{**FAILED, "status": "skipped"}], [LESION, NORMAL]])
def test_any_run_can_be_shown(rows: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any site, with names that the terminal cannot write."""
    table = PredictionTable(tmp_path / "predictions.csv", table_columns("melanoma_probability"))
    table.start({**row, "input": f"é{row['input']}", "melanoma_probability": "0.9"} for row in rows)
    (tmp_path / "summary.json").write_text(json.dumps({**SUMMARY, "site": {"probability": "melanoma_probability"}}))
    screen = io.BytesIO()
    with monkeypatch.context() as context:
        context.setattr(sys, "argv", ["show_results", str(tmp_path)])
        context.setattr(sys, "stdout", io.TextIOWrapper(screen, "ascii"))
        context.setattr(sys, "excepthook", sys.excepthook)
        main()
        sys.stdout.flush()
        told = screen.getvalue().decode()
    assert "\\xe9" in told and "Research use only" in told
    assert ("melanoma probability 0.90" in told) == (rows[0] is LESION)


@pytest.mark.parametrize("summary", ["", "{}", "[]", '{"site": {"probability": "p"}}'])
def test_what_holds_no_results_is_named(summary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "summary.json").write_text(summary)
    monkeypatch.setattr(sys, "argv", ["show_results", str(tmp_path)])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(BundleError, match=f'"{tmp_path}" holds no results'):
        main()
