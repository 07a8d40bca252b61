"""Files by path or address: a folder here, or whatever fsspec opens, all below an address or named in a list."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.data.discovery import natural, walk
from scripts.data.reasons import ReadingProblem
from scripts.errors import BundleError

from .entries import Entry, refuse, with_patience, without_password

_FILE = "file://"


class LocalFiles:
    """All files of a folder, as inference takes them.

    Args:
        dataset_dir: a folder, or a single file.
        exclude: folders to leave out.
    """

    def __init__(self, dataset_dir: str, exclude: Sequence[str] = ()) -> None:
        self.address, self.exclude = dataset_dir.removeprefix(_FILE), exclude

    def entries(self) -> Iterator[Entry]:
        """In natural order."""
        for path, name, readable in walk(self.address, self.exclude):
            try:
                status = os.stat(path)
                known = (status.st_size, str(status.st_mtime_ns))
            except OSError:
                known = (0, "")
            yield Entry(name, path, *known, readable)

    def fetch(self, path: str, folder: Path) -> str:
        """The file itself: it is here."""
        return path


class StoredFiles:
    """All files below an address that fsspec opens, such as ``s3://bucket/prefix``.

    Args:
        address: with its protocol.
        options: of fsspec's file system, such as ``endpoint_url``; credentials are better in the environment.
    """

    def __init__(self, address: str, options: Mapping[str, Any] | None = None) -> None:
        self.address, self.options = without_password(address), dict(options or {})
        self._root = address

    def entries(self) -> Iterator[Entry]:
        """In natural order.

        Raises:
            BundleError: the address cannot be listed.
        """
        try:
            system, root = self._open(self._root)
            found = system.find(root, detail=True)
            if not found and not system.exists(root):
                raise FileNotFoundError
        except Exception as error:  # noqa: BLE001  every store has its own
            raise refuse(error, self.address) from None
        root = root.rstrip("/")
        for path in sorted(found, key=lambda path: [natural(part) for part in path.split("/")]):
            about = found[path]
            stamp = about.get("ETag") or about.get("etag") or about.get("LastModified") or about.get("mtime") or ""
            name = path.removeprefix(root).lstrip("/") or path.rsplit("/", 1)[-1]
            yield Entry(name, system.unstrip_protocol(path), int(about.get("size") or 0), str(stamp))

    def fetch(self, path: str, folder: Path) -> str:
        """A copy of a file, with its own name.

        Args:
            path: of an entry.
            folder: of this file alone.

        Raises:
            ReadingProblem: UNREADABLE.
            BundleError: the store does not answer any more.
            OSError: the copy cannot be written.
        """
        if "://" not in path:
            return path
        copy = folder / (path.rsplit("/", 1)[-1][-100:] or "file")
        folder.mkdir(parents=True, exist_ok=True)

        def read() -> None:
            system, inside = self._open(path)
            system.get_file(inside, str(copy))

        with_patience(read, self.address, self._ask)
        return str(copy)

    def _ask(self) -> None:
        system, root = self._open(self._root)
        system.invalidate_cache()
        system.info(root)

    def _open(self, address: str) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        return url_to_fs(address, **self.options)


class ListedFiles(StoredFiles):
    """Files named one a line: paths, or addresses that fsspec opens.

    Args:
        list_file: a text file; empty lines and lines that begin with # say nothing.
        folder: what relative paths begin at; "" is the list's own folder.
        options: as of :class:`StoredFiles`.
    """

    def __init__(self, list_file: str, folder: str = "", options: Mapping[str, Any] | None = None) -> None:
        super().__init__(list_file, options)
        self.folder = folder or os.path.dirname(os.path.abspath(list_file))

    def entries(self) -> Iterator[Entry]:
        """In the order of the list; a line that comes again is left out.

        Raises:
            BundleError: the list cannot be read.
        """
        try:
            lines = [line.strip() for line in Path(self.address).read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError):
            raise BundleError(f'The list "{self.address}" cannot be read. Check --file_list.') from None
        named = dict.fromkeys(line.removeprefix(_FILE) for line in lines if line and not line.startswith("#"))
        begin = self.folder.rstrip("/")
        paths = [line if "://" in line or os.path.isabs(line) else f"{begin}/{line}" for line in named]
        common = os.path.commonprefix([path.rpartition("/")[0] + "/" for path in paths]).rpartition("/")[0] + "/"
        for path in paths:
            yield Entry(path.removeprefix(common), path)

    def fetch(self, path: str, folder: Path) -> str:
        """See :class:`StoredFiles`."""
        if "://" not in path and not os.path.exists(path):
            raise ReadingProblem("UNREADABLE", "the file cannot be opened")
        return super().fetch(path, folder)

    def _ask(self) -> None:
        """A list has no root that could be asked."""
