"""`run archive` as a command, with workers of Ray: killed in every way, and from an object store."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ray", reason="ray (requirements-archive.txt) is not installed: run archive is not tested with it")

BUNDLE = Path(__file__).parents[3] / "bundle"
IMAGES = 36
#: What a damaged file does to a codec: its process is gone. Python itself is made to do it once work was shared out.
DEADLY = """
import builtins, glob, os
plain = builtins.open
def deadly(path, *rest, **more):
    if "poison" in str(path) and glob.glob(os.environ["WORK_SHARDS"]):
        os.abort()
    return plain(path, *rest, **more)
builtins.open = deadly
"""
Start, Told = Callable[..., subprocess.Popen[str]], Callable[[Path], dict[str, Any]]


@pytest.fixture
def start(tmp_path: Path, weights: dict[bool, Path]) -> Iterator[Start]:
    """``start(**options)``: the command, on its way; nothing that it has started outlives the test."""
    temporary = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # short: sockets stand in it
    family = Family()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(DEADLY)

    def begin(**options: Any) -> subprocess.Popen[str]:
        files = str([str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "archive")])
        options = {
            "bundle_root": BUNDLE, "output_dir": tmp_path / "out", "weights": weights[True], "image_size": 64,
            "workers": 2, "shard_files": 2, "overlays": "false", "evidence_figures": "false", **options,
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        environment = {
            **os.environ, "PYTHONPATH": str(tmp_path / "site"), "OMP_NUM_THREADS": "1",
            "WORK_SHARDS": str(tmp_path / "out" / "shards" / "work-*"), "RAY_TMPDIR": str(temporary),
        }  # fmt: skip
        going = subprocess.Popen(
            [sys.executable, "-m", "monai.bundle", "run", "archive", "--config_file", files, *words],
            cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        family.known.add(going.pid)
        return going

    begin.family = family
    yield begin
    for process in family.alive():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(temporary, ignore_errors=True)


class Family:
    """Commands and all processes that have come of them, also when those between are gone."""

    def __init__(self) -> None:
        self.known: set[int] = set()

    def alive(self, name: str = "") -> list[int]:
        """Those that live, and whose command line holds a name."""
        parents, commands = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(folder.name)] = int(parent)
                    commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        while more := {process for process, parent in parents.items() if parent in self.known} - self.known:
            self.known |= more
        return [process for process in sorted(self.known & parents.keys()) if name in commands[process]]


def wait_for(condition: Callable[[], bool], seconds: float, run: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to this in time"
        assert run is None or run.poll() is None, run.stderr.read()[-3000:]
        time.sleep(0.05)


def rows_there(out: Path) -> int:
    return len(list((out / "shards").glob("rows-*.parquet")))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Pictures in folders, a note and a damaged file among them, and one that kills whoever opens it."""
    draw, root = np.random.default_rng(0), tmp_path / "in"
    for number in range(IMAGES):
        path = root / f"study {number // 6}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (80, 90), np.uint8)).save(path)
    (root / "note.txt").write_text("nothing to see")
    (root / "study 1" / "cut.png").write_bytes((root / "study 1" / "6.png").read_bytes()[:-100])
    return root


@pytest.mark.slow
def test_every_row_is_there_once_although_a_file_a_worker_and_the_run_die(
    images: Path, tmp_path: Path, start: Start, weights: dict[bool, Path], run: Any, told: Told
) -> None:
    run(images, tmp_path / "plain", weights[True], overlays=False, evidence_figures=False)
    expected = told(tmp_path / "plain")
    poison = images / "study 2" / "poison.png"
    poison.write_bytes((images / "note.txt").read_bytes() + (images / "study 2" / "12.png").read_bytes())
    Image.fromarray(np.eye(80, dtype=np.uint8) * 255).save(poison)
    out = tmp_path / "out"

    first = start(dataset_dir=images)
    wait_for(lambda: rows_there(out) > 0, 1500, first)
    shards = len(list((out / "shards").glob("entries-*.parquet")))
    assert shards > 8
    wait_for(lambda: rows_there(out) >= shards // 3, 1500, first)
    os.kill(start.family.alive("Analyse")[0], signal.SIGKILL)  # a worker
    wait_for(lambda: rows_there(out) >= shards // 2, 1500, first)
    start.family.alive()
    first.kill()  # the run
    first.wait(30)
    wait_for(lambda: not start.family.alive(), 120)
    done = rows_there(out)
    assert shards // 2 <= done < shards

    second = start(dataset_dir=images)
    _, said = second.communicate(timeout=3000)
    assert second.returncode == 1, said[-3000:]
    assert said.splitlines()[-1].endswith(f"{IMAGES} analysed, 1 skipped, 2 failed: see predictions.csv in {out}")
    wait_for(lambda: not start.family.alive(), 60)

    found = told(out)
    table = found["predictions.csv"]
    assert len({tuple(row[:3]) for row in table}) == len(table) == IMAGES + 4
    assert [row for row in table if "poison" in row[0]][0][4:6] == ["failed", "DECODER_CRASHED"]
    assert [row for row in table if "poison" not in row[0]] == expected["predictions.csv"]
    assert found["lesions.csv"] == expected["lesions.csv"] and found["evidence"] == expected["evidence"]
    assert found["files"] == expected["files"] and found["studies.csv"] == expected["studies.csv"]
    left = [path.name for path in out.rglob(".*")]
    assert left == []


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an S3 server on this machine."""
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed: no object store to test with")
    pytest.importorskip("s3fs", reason="s3fs (requirements-archive.txt) is not installed: no object store is tested")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.mark.slow
def test_an_object_store_gives_the_rows_of_the_folder(
    archive: Path, tmp_path: Path, store: str, start: Start, weights: dict[bool, Path], run: Any, told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import s3fs

    from scripts.data.sources import open_source
    from scripts.errors import BundleError

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    system = s3fs.S3FileSystem(endpoint_url=store)
    system.mkdir("hospital")
    system.put(str(archive), "hospital/ultrasound", recursive=True)
    options = {"endpoint_url": store}

    run(archive, tmp_path / "plain", weights[True], overlays=False, evidence_figures=False)
    going = start(dataset_dir="s3://hospital/ultrasound", storage_options=options, shard_files=4)
    _, said = going.communicate(timeout=3000)
    assert going.returncode == 1, said[-3000:]
    expected, found = told(tmp_path / "plain"), told(tmp_path / "out")
    for name in ("predictions.csv", "lesions.csv", "studies.csv", "evidence", "files"):
        assert found[name] == expected[name], name
    assert found["uids"].keys() == expected["uids"].keys()  # their values depend on the address of the source

    for address, sentence in (
        ("s3://hospital/nothing", "does not exist"),
        ("s3://clinic/ultrasound", "does not exist"),
        ("s3://hospital/ultrasound", "cannot be reached"),
    ):
        other = options if sentence == "does not exist" else {"endpoint_url": "http://127.0.0.1:9"}
        with pytest.raises(BundleError, match=f'"{address}" {sentence}'):
            next(open_source(address, storage_options=other).entries())

    source = open_source("s3://hospital/ultrasound", storage_options=options)
    path = next(source.entries()).path
    urlopen(Request(f"{store}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}))  # it knows nobody any more
    for exit_code, call in ((2, lambda: next(source.entries())), (3, lambda: source.fetch(path, tmp_path / "copy"))):
        with pytest.raises(BundleError, match='"s3://hospital/ultrasound" refuses the credentials') as told:
            call()
        assert told.value.exit_code == exit_code


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_said_at_once(archive: Path, start: Start, tmp_path: Path) -> None:
    going = start(dataset_dir=archive, ray_address="127.0.0.1:9")
    _, said = going.communicate(timeout=600)
    assert going.returncode == 2 and not (tmp_path / "out").exists()
    assert said.splitlines()[-1] == (
        'No Ray cluster answers at "127.0.0.1:9". Start one with "ray start --head", or check the address.'
    )
