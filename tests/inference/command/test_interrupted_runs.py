"""The command itself: exit codes, the last line, killed runs and full disks."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


def inputs(output_dir: Path) -> list[str]:
    with open(output_dir / "predictions.csv", newline="", encoding="utf-8") as file:
        return [row["input"] for row in csv.DictReader(file) if row["overlay"] is not None]


def test_a_second_run_is_kept_out_and_a_killed_one_goes_on(
    images: list[Path], tmp_path: Path, start: Callable[..., subprocess.Popen[str]], last_line: Callable[[str], str]
) -> None:
    out = tmp_path / "out"
    process = start("--batch_size", "1")
    deadline = time.monotonic() + 300
    while not (out / "predictions.csv").is_file() or len(inputs(out)) < 4:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    second = start("--batch_size", "1")
    _, stderr = second.communicate(timeout=300)
    assert second.returncode == 2 and last_line(stderr).startswith("Another run is writing to ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_until_gone(process.pid)

    done = inputs(out)
    assert 4 <= len(done) < len(images) and done == [path.name for path in images[: len(done)]]
    assert json.loads((out / "summary.json").read_text())["finished"] is False
    before = {name: (out / "masks" / name).stat().st_mtime_ns for name in done}
    for name in done:
        Image.open(out / "masks" / name).load()
        Image.open(out / "overlays" / name).load()

    process = start("--batch_size", "1")
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0 and last_line(stderr).startswith("12 analysed, 0 skipped, 0 failed")
    assert inputs(out) == [path.name for path in images]
    assert {name: (out / "masks" / name).stat().st_mtime_ns for name in done} == before
    assert json.loads((out / "summary.json").read_text())["finished"] is True
    assert not list(out.rglob("*.part"))


def _wait_until_gone(group: int) -> None:
    """No process of the run may stay behind."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail("a process of the run is still there")


def test_a_full_disk_ends_the_run_in_a_sentence_and_it_goes_on_later(
    images: list[Path], tmp_path: Path, start: Callable[..., subprocess.Popen[str]], last_line: Callable[[str], str]
) -> None:
    ramp = np.add.outer(np.arange(120), np.arange(100)).astype(np.uint8)
    for path in images:
        Image.fromarray(ramp).save(path)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (600, 700), np.uint8)).save(images[5])
    # The overlay of the big one does not fit; the limit would hit a reading process's shared memory too.
    process = start("--num_workers", "0", limit_files=200_000)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 3 and "cannot be written any more" in last_line(stderr)
    done = inputs(tmp_path / "out")
    assert done == [path.name for path in images[:5]]

    process = start()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0 and inputs(tmp_path / "out") == [path.name for path in images]


def test_missing_weights_end_with_code_2(
    images: list[Path], start: Callable[..., subprocess.Popen[str]], last_line: Callable[[str], str]
) -> None:
    process = start("--weights", "absent/model.pt")
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 2 and '"absent/model.pt"' in last_line(stderr)
