"""Files are whole or as they were, whatever happens while they are written."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from scripts.errors import BundleError
from scripts.writing.files import append_whole, whole_folder, write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_as_a_whole(durable: bool, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    for content in (b"one", b"two"):
        write_whole(path, content, durable)
        assert path.read_bytes() == content and os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("tail", [b"", b"]"])
def test_what_cannot_be_appended_leaves_the_file_as_it_was(tail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"a" + tail)
    append_whole(path, b"b", tail)
    assert path.read_bytes() == b"ab" + tail
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # a full disk, as far as this process can tell
    try:
        with pytest.raises(OSError):
            append_whole(path, b"c" * 20, tail)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"ab" + tail


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / ".made.part").mkdir()
    (tmp_path / ".made.part" / "of a killed run").touch()
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "made") as folder:
        (folder / "file").touch()
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    (tmp_path / "made").mkdir()
    with whole_folder(tmp_path / "made") as folder:
        (folder / "file").touch()
    assert os.listdir(tmp_path) == ["made"] and os.listdir(tmp_path / "made") == ["file"]
    with pytest.raises(BundleError, match="holds something already"), whole_folder(tmp_path / "made"):
        pass
    assert os.listdir(tmp_path) == ["made"]
