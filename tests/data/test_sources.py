"""Files from anywhere: listed in order, fetched one by one, and every trouble told in one sentence."""

from __future__ import annotations

import errno
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest

from scripts.data.reasons import ReadingProblem
from scripts.data.sources import entries, open_source
from scripts.data.sources.entries import refuse, with_patience
from scripts.errors import BundleError


class NoCredentialsError(Exception):
    """As botocore has it."""


def answered(status: int) -> Exception:
    error = Exception("name of a patient")
    error.response = SimpleNamespace(status_code=status)
    return error


@pytest.fixture
def bucket() -> str:
    """An address with three files below it."""
    system = fsspec.filesystem("memory")
    for name in ("a/image10.png", "a/image2.png", "note.txt"):
        system.pipe(f"/bucket/images/{name}", name.encode())
    system.pipe("/bucket/other.png", b"not asked for")
    return "memory://bucket/images"


def test_all_below_an_address_comes_in_natural_order_and_can_be_fetched(bucket: str, tmp_path: Path) -> None:
    source = open_source(bucket)
    found = list(source.entries())
    assert [entry.name for entry in found] == ["a/image2.png", "a/image10.png", "note.txt"]
    copy = Path(source.fetch(found[0].path, tmp_path / "0"))
    assert (copy.name, copy.read_bytes(), found[0].size) == ("image2.png", b"a/image2.png", 12)
    with pytest.raises(ReadingProblem, match="UNREADABLE"):
        source.fetch("memory://bucket/images/gone", tmp_path / "1")


def test_a_list_may_name_paths_and_addresses(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("note.txt\n# no more\na/image2.png\nnote.txt\n")
    source = open_source(bucket, file_list=str(tmp_path / "list.txt"))
    assert [(entry.name, entry.path) for entry in source.entries()] == [
        ("note.txt", f"{bucket}/note.txt"), ("a/image2.png", f"{bucket}/a/image2.png"),
    ]  # fmt: skip
    (tmp_path / "here.txt").write_text("list.txt\n")
    (entry,) = open_source(file_list=str(tmp_path / "here.txt")).entries()
    assert (entry.name, entry.path) == ("list.txt", str(tmp_path / "list.txt"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError("secret"), "refuses the credentials, or there are none: set those of its kind"),
        (NoCredentialsError("secret"), "refuses the credentials"),
        (answered(401), "refuses the credentials"),
        (answered(404), "does not exist"),
        (FileNotFoundError("name"), "does not exist"),
        (ConnectionError("name"), r"cannot be reached \(ConnectionError\)"),
    ],
)
def test_what_an_address_does_is_told_without_its_password(error: Exception, sentence: str) -> None:
    told = str(refuse(error, "https://someone:secret@host/x"))
    assert told.startswith('"https://host/x" ') and "secret" not in told and "patient" not in told
    with pytest.raises(BundleError, match=sentence):
        raise refuse(error, "https://host/x")


@pytest.mark.skipif(find_spec("gcsfs") is not None, reason="gcsfs is installed: its lack cannot be tried")
def test_a_reader_that_is_not_installed_is_named() -> None:
    with pytest.raises(BundleError, match='What reads "gs://bucket/x" is not installed: pip install'):
        next(iter(open_source("gs://bucket/x").entries()))


def test_a_source_that_is_away_ends_the_run_and_one_file_that_is_gone_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_SECONDS", 0.0)
    calls: list[int] = []

    def flaky() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError
        return "here"

    def raising(error: Exception) -> None:
        raise error

    assert with_patience(flaky, "s3://b") == "here"
    with pytest.raises(BundleError, match='"s3://b" cannot be reached') as told:
        with_patience(lambda: raising(ConnectionError()), "s3://b")
    assert told.value.exit_code == 3
    for gone in (FileNotFoundError(), PermissionError(), answered(404)):
        with pytest.raises(ReadingProblem, match="UNREADABLE"):
            with_patience(lambda gone=gone: raising(gone), "s3://b")
    with pytest.raises(OSError, match="full"):
        with_patience(lambda: raising(OSError(errno.ENOSPC, "full")), "s3://b")


@pytest.mark.parametrize("error", [PermissionError("expired"), answered(403)])
def test_credentials_that_end_in_the_middle_end_the_run_and_one_closed_file_does_not(error: Exception) -> None:
    def closed() -> None:
        raise error

    with pytest.raises(ReadingProblem, match="UNREADABLE"):
        with_patience(closed, "s3://b", check=lambda: None)
    with pytest.raises(BundleError, match='"s3://b" refuses the credentials') as told:
        with_patience(closed, "s3://b", check=closed)
    assert told.value.exit_code == 3


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"dicomweb_url": "https://someone:secret@host/dicom-web"}, "https://host/dicom-web"),
        ({"dataset_dir": "https://token@host/images"}, "https://host/images"),
        ({"dataset_dir": "ftp://someone:secret@host/images"}, "ftp://host/images"),
        ({"dataset_dir": "abfs://container@account/images"}, "abfs://container@account/images"),
    ],
)
def test_the_address_of_a_source_is_known_without_its_password(settings: dict[str, str], address: str) -> None:
    assert open_source(**settings).address == address


def test_an_archive_that_asks_for_a_password_says_so() -> None:
    pytest.importorskip("dicomweb_client", reason="dicomweb-client is not installed: DICOMweb is not tried")

    class Closed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://someone:wrong@127.0.0.1:{server.server_port}/dicom-web"
        with pytest.raises(BundleError, match=r'^"http://127.0.0.1:\d+/dicom-web" refuses the credentials') as told:
            next(iter(open_source(dicomweb_url=url).entries()))
        server.shutdown()
    assert "DICOMWEB_TOKEN" in str(told.value) and "wrong" not in str(told.value)
