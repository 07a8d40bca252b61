"""Files that are either whole or as they were, whenever the run is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scripts.errors import BundleError


def write_whole(path: str | os.PathLike[str], content: bytes, durable: bool = False) -> None:
    """Write a file by way of a temporary one beside it.

    Args:
        path: of the file; its folder is made if it does not exist.
        content: all of it.
        durable: wait until it is on the disk, so that it outlives a power cut too.

    Raises:
        OSError: the disk is full, the folder cannot be written, ...; the file is as before.
    """
    with whole_file(path, durable) as file:
        file.write(content)


@contextmanager
def whole_file(path: str | os.PathLike[str], durable: bool = False) -> Iterator[BinaryIO]:
    """The same for a file that is written in parts; it stays as it was where the block is left by an exception.

    Args:
        path: as for :func:`write_whole`.
        durable: likewise.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def append_whole(path: str | os.PathLike[str], content: bytes, tail: bytes = b"") -> None:
    """Add to the end of a file, all or nothing.

    Args:
        path: of a file that exists.
        content: what is added.
        tail: what the file ends with, and ends with again afterwards, such as the bracket that closes a list.

    Raises:
        OSError: the disk is full or gone; the file is as before.
    """
    with open(path, "r+b", buffering=0) as file:
        end = file.seek(-len(tail), os.SEEK_END)
        try:
            rest = memoryview(content + tail)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.seek(end)
            file.truncate(end)
            file.write(tail)
            raise


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder that appears when all of it is written, and not at all if something goes wrong.

    Args:
        path: the folder; it does not exist, or is empty.

    Yields:
        A temporary folder beside it to write to.

    Raises:
        BundleError: the folder holds something already, or cannot be written.
    """
    path = Path(os.path.abspath(path))
    partial = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BundleError(f'"{path}" holds something already. Choose another --output_dir.')
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if path.is_dir():
            path.rmdir()
        partial.rename(path)
    except OSError as error:
        raise BundleError(f'"{path}" cannot be written ({error.strerror}). Check --output_dir.') from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
