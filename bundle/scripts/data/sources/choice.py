"""Which source the options of a run name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from .dicomweb import DicomWebArchive
from .entries import Entry
from .files import ListedFiles, LocalFiles, StoredFiles


class Source(Protocol):
    """Where files come from; travels to other processes.

    Attributes:
        address: as the user knows it.
    """

    address: str

    def entries(self) -> Iterator[Entry]:
        """All files, in the order of their rows."""

    def fetch(self, path: str, folder: Path) -> str:
        """A file that can be opened, of an entry's ``path``; copies are made in ``folder``."""


def open_source(
    dataset_dir: str = "",
    file_list: str = "",
    dicomweb_url: str = "",
    study_filter: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    exclude: str = "",
) -> Source:
    """Choose the source: DICOMweb where there is an address of it, else a list, else a folder or address.

    Args:
        dataset_dir: a folder, or an address such as ``s3://bucket/prefix``; with a list, what its paths begin at.
        file_list: a text file that names files.
        dicomweb_url: root of an archive.
        study_filter: of its studies.
        storage_options: of fsspec's file system.
        exclude: a folder to leave out.
    """
    if dicomweb_url:
        return DicomWebArchive(dicomweb_url, study_filter)
    if file_list:
        return ListedFiles(file_list, dataset_dir, storage_options)
    if "://" in dataset_dir and not dataset_dir.startswith("file://"):
        return StoredFiles(dataset_dir, storage_options)
    return LocalFiles(dataset_dir, [exclude] if exclude else [])
