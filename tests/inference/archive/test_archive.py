"""configs/archive.json with workers in this process: the rows of plain inference, whatever happens between."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

pytest.importorskip("pyarrow", reason="pyarrow (requirements-archive.txt) is not installed: the archive is not tested")

from scripts.data import loading  # noqa: E402
from scripts.inference.archive import Cluster  # noqa: E402
from scripts.inference.archive.attempts import Attempts, survives  # noqa: E402
from scripts.inference.archive.shards import cut  # noqa: E402

RunOver, Run, Told = Callable[..., tuple[int, str]], Callable[..., tuple[int, str]], Callable[[Path], dict[str, Any]]


def test_shards_give_the_rows_and_files_of_plain_inference_also_after_being_killed(
    trying: Path, tmp_path: Path, weights: dict[bool, Path], run: Run, run_over: RunOver, told: Told, here: Any
) -> None:
    settings = {"max_frames": 3, "dataset_dir": str(trying)}
    plain = run(trying, tmp_path / "plain", weights[True], max_frames=3)
    out, killed = tmp_path / "out", here(most=16)
    assert run_over(out, weights[True], cluster=killed, **settings) == (3, "killed")
    assert not json.loads((out / "summary.json").read_text())["finished"] and not (out / "report.html").exists()
    rest = here()
    code, sentence = run_over(out, weights[True], cluster=rest, **settings)
    assert (code, sentence.replace(str(out), "")) == (plain[0], plain[1].replace(str(tmp_path / "plain"), ""))
    assert told(out) == told(tmp_path / "plain")
    assert rest.worked and not set(rest.worked) & set(killed.worked)  # what was done is not done again
    assert (out / "report.html").is_file()

    (trying / "one more.txt").write_text("a note")
    more = here()
    assert run_over(out, weights[True], cluster=more, **settings)[0] == 1
    assert len(more.worked) < len(rest.worked) + len(killed.worked)
    assert told(out)["summary"]["rows"] == told(tmp_path / "plain")["summary"]["rows"] + 1


def test_a_file_that_kills_its_reader_costs_one_row(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run_over: RunOver, told: Told, here: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (archive / "deep" / "poison.png").write_bytes((archive / "gray.png").read_bytes())
    read = loading.read_picture

    def deadly(path: str, frame: int) -> Any:
        if path.endswith("poison.png"):
            os.kill(os.getpid(), signal.SIGKILL)
        return read(path, frame)

    monkeypatch.setattr(loading, "read_picture", deadly)
    # A loader's process dies; the worker that sees it goes on without that file.
    settings = {"dataset_dir": str(archive), "num_workers": 1, "overlays": False, "dicom_results": False}
    code, sentence = run_over(tmp_path / "out", weights[True], **settings)
    assert code == 1 and "5 analysed, 2 skipped, 2 failed" in sentence
    rows = {row[0]: row for row in told(tmp_path / "out")["predictions.csv"]}
    assert rows["deep/poison.png"][4:6] == ["failed", "DECODER_CRASHED"]
    assert not list((tmp_path / "out" / "shards").glob(".*"))


def test_an_innocent_file_is_not_blamed_for_what_killed_its_worker(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for _ in range(2):
        attempts = Attempts(journal)
        attempts.start()
        attempts.begin(1)
        attempts.begin(2)
    attempts = Attempts(journal)
    assert not attempts.condemned(2, lambda: None, 20)  # it can be read
    assert not attempts.condemned(1, lambda: os.abort(), 20)  # it was not being read
    assert attempts.condemned(2, lambda: os.abort(), 20)
    attempts.start()
    attempts.begin(2)
    assert Attempts(journal).condemned(2, lambda: None, 20)  # three workers are enough
    attempts.end()
    assert not Attempts(journal).condemned(2, os.abort, 20)


def test_a_call_that_raises_survives_and_one_that_hangs_does_not() -> None:
    assert survives(lambda: 1 / 0, 20)
    assert not survives(signal.pause, 0.2)


def test_a_file_more_changes_few_shards() -> None:
    from scripts.data.sources import Entry

    entries = [Entry(f"{number}.dcm", "", 1000) for number in range(2000)]
    more = [Entry("new", ""), *entries]
    before, after = (set(map(tuple, cut(of, 32))) for of in (entries, more))
    assert sum(map(len, before)) == 2000 and max(map(len, before)) <= 128
    assert len(after - before) <= 2 and len(before) > 30


def test_what_cannot_be_listed_is_said_before_anything_is_written(
    tmp_path: Path, weights: dict[bool, Path], run_over: RunOver
) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    for settings, sentence in (
        ({"dataset_dir": str(tmp_path / "empty")}, f'"{tmp_path}/empty" lists no files. Check the address.'),
        ({"dataset_dir": str(tmp_path / "gone")}, f'"{tmp_path}/gone" does not exist. Check --dataset_dir.'),
        ({"dataset_dir": "memory://nothing/here"}, '"memory://nothing/here" does not exist. Check the address.'),
        ({"dataset_dir": "odd://a"}, '"odd://a" cannot be reached (ValueError). Check the address and the network.'),
        ({"file_list": str(tmp_path / "no.txt")}, f'The list "{tmp_path}/no.txt" cannot be read. Check --file_list.'),
    ):
        assert run_over(out, weights[True], **settings) == (2, sentence)
    assert not out.exists()


def test_a_list_names_what_is_analysed_and_what_is_gone(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run_over: RunOver, told: Told
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"# these\ngray.png\n\n{archive}/deep/same.png\ngone.dcm\n")
    settings = {"dataset_dir": str(archive), "file_list": str(listed), "overlays": False}
    code, sentence = run_over(tmp_path / "out", weights[True], **settings)
    assert code == 1 and "2 analysed, 0 skipped, 1 failed" in sentence
    rows = [row[:1] + row[4:6] for row in told(tmp_path / "out")["predictions.csv"][1:]]
    assert rows == [["gray.png", "ok", ""], ["deep/same.png", "ok", ""],
                    ["gone.dcm", "failed", "UNREADABLE the file cannot be opened"]]  # fmt: skip


@pytest.mark.parametrize("place", ["rows", "mask", "copy"])
def test_a_full_disk_at_a_worker_ends_in_a_sentence_and_the_run_goes_on_later(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run_over: RunOver, monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:  # fmt: skip
    from scripts.data.sources.files import LocalFiles
    from scripts.inference.archive import shards
    from scripts.results import result_files

    out, settings = tmp_path / "out", {"dataset_dir": str(archive), "overlays": False, "evidence_figures": False}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "name of a patient")

    write = shards.write_whole
    with monkeypatch.context() as patched:
        if place == "rows":
            patched.setattr(
                shards, "write_whole", lambda path, *rest: (full if "rows" in path.name else write)(path, *rest)
            )
        elif place == "mask":
            patched.setattr(result_files, "write_whole", full)
        else:
            patched.setattr(LocalFiles, "fetch", full)
        code, sentence = run_over(out, weights[True], **settings)
    folder = tempfile.gettempdir() if place == "copy" else out
    assert code == 3 and sentence == (
        f'"{folder}" cannot be written any more (No space left on device). Mend that, then run the same command again, '
        "and it goes on from there."
    )
    assert not json.loads((out / "summary.json").read_text())["finished"] and not (out / "report.html").exists()
    code, sentence = run_over(out, weights[True], **settings)
    assert code == 1 and "5 analysed, 2 skipped, 1 failed" in sentence


def test_a_folder_of_another_run_is_left_alone(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run_over: RunOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.inference import output_folder

    monkeypatch.setattr(output_folder, "_SECONDS_TO_WAIT", 0.1)
    out, settings = tmp_path / "out", {"dataset_dir": str(archive), "overlays": False}
    out.mkdir()
    with filelock.FileLock(str(out / ".lock")):
        assert run_over(out, weights[True], **settings) == (
            2, f'Another run is writing to "{out}". Wait until it has ended, or choose another --output_dir.',
        )  # fmt: skip
        assert [path.name for path in out.iterdir()] == [".lock"]
    assert run_over(out, weights[True], **settings)[0] == 1
    before = (out / "summary.json").read_bytes()
    code, sentence = run_over(out, weights[False], **settings)
    assert code == 2 and "holds results of another configuration, weights or input" in sentence
    assert (out / "summary.json").read_bytes() == before


def test_without_ray_the_run_says_what_to_install(
    archive: Path, tmp_path: Path, weights: dict[bool, Path], run_over: RunOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    settings = {"dataset_dir": str(archive), "cluster": Cluster(workers=2)}
    assert run_over(tmp_path / "out", weights[True], **settings) == (
        2, "Ray is not installed: pip install -r requirements-archive.txt",
    )  # fmt: skip
    assert not (tmp_path / "out").exists()
