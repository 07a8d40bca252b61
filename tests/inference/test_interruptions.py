"""What a run says when it cannot go on, and what it shows while it does."""

from __future__ import annotations

import csv
import gc
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow

from scripts.errors import BundleError, find_bundle_error

Make, Run = Callable[..., ConfigWorkflow], Callable[..., tuple[int, str]]


def test_an_unforeseen_error_ends_in_one_sentence_without_its_text(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run: Run, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    patient = "SMITH^JANE"

    def breaks(*_: Any) -> None:
        raise RuntimeError(patient)

    monkeypatch.setattr("scripts.networks.RadVLSM.forward_named", breaks)
    code, sentence = run(archive, tmp_path / "out", weights[True])
    assert code == 3 and "RuntimeError" in sentence and patient not in sentence + caplog.text
    monkeypatch.undo()
    assert run(archive, tmp_path / "out", weights[True])[0] == 1  # cut.dcm, as before; all else is done
    with open(tmp_path / "out" / "predictions.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 8


class Terminal(io.StringIO):
    """A screen, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("breaks", [False, True])
def test_a_terminal_shows_progress_and_after_the_sentence_nothing(
    breaks: bool, archive: Path, tmp_path: Path, weights: dict[bool, Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    (archive / "cut.dcm").unlink()
    if breaks:
        monkeypatch.setattr("scripts.networks.RadVLSM.forward_named", lambda *_: 1 / 0)
    code, sentence = run(archive, tmp_path / "out", weights[True], dicom_results=False)
    gc.collect()
    assert code == (3 if breaks else 0)
    shown = screen.getvalue()
    assert "Inference:" in shown and "/7" in shown
    if not breaks:
        assert shown.endswith("\n") and shown.splitlines()[-1].startswith("5 analysed, 2 skipped, 0 failed")
    else:
        assert shown.endswith("\r") and not shown.split("\r")[-2].strip(), "the bar is gone before the sentence"


def test_an_error_is_an_error_in_python_too(tmp_path: Path, weights: dict[bool, Path], make: Make) -> None:
    with pytest.raises(Exception) as raised:
        make(tmp_path / "absent", tmp_path / "out", weights[True]).run()
    assert isinstance(find_bundle_error(raised.value), BundleError)
