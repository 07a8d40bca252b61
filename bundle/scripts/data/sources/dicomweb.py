"""An archive over DICOMweb: studies found by QIDO, page by page; instances fetched by WADO."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

from .entries import Entry, refuse, with_patience, without_password

_PAGE = 200
#: How classes begin that archives hold beside images, our own results among them: segmentations and registrations,
#: reports, presentation states, documents, radiotherapy.
_NO_IMAGES = tuple(f"1.2.840.10008.5.1.4.1.1.{number}." for number in (66, 88, 11, 104, 481))
_STUDY, _SERIES, _INSTANCE, _CLASS = "0020000D", "0020000E", "00080018", "00080016"


def make_client(url: str) -> Any:
    """A DICOMweb client; a token for it may stand in ``DICOMWEB_TOKEN``.

    Raises:
        BundleError: dicomweb-client is not installed.
    """
    try:
        from dicomweb_client import DICOMwebClient
    except ImportError:
        raise BundleError("DICOMweb needs dicomweb-client: pip install -r requirements-archive.txt") from None
    token = os.environ.get("DICOMWEB_TOKEN")
    return DICOMwebClient(url=url, headers={"Authorization": f"Bearer {token}"} if token else None)


class DicomWebArchive:
    """The images of an archive.

    Args:
        url: its DICOMweb root.
        filters: of QIDO for studies, such as ``{"ModalitiesInStudy": "US", "StudyDate": "20260101-"}``.
    """

    def __init__(self, url: str, filters: Mapping[str, Any] | None = None) -> None:
        self.address, self._url = without_password(url), url
        self.filters = {name: str(value) for name, value in (filters or {}).items()}
        self._client: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}  # every process has connections of its own

    @property
    def client(self) -> Any:
        """The connection of this process."""
        if self._client is None:
            self._client = make_client(self._url)
        return self._client

    def entries(self) -> Iterator[Entry]:
        """By study, series and instance; other objects than images are left out, as results sent back are among them.

        Raises:
            BundleError: the archive cannot be asked.
        """
        try:
            studies = list(_pages(lambda **page: self.client.search_for_studies(search_filters=self.filters, **page)))
            for study in sorted({_value(one, _STUDY) for one in studies}):
                yield from self._instances(study)
        except Exception as error:  # noqa: BLE001  of requests, or of whatever the archive has answered
            raise refuse(error, self.address) from None

    def _instances(self, study: str) -> Iterator[Entry]:
        found = _pages(lambda **page: self.client.search_for_instances(study_instance_uid=study, **page))
        images = [one for one in found if not _value(one, _CLASS).startswith(_NO_IMAGES)]
        for path in sorted("/".join((study, _value(one, _SERIES), _value(one, _INSTANCE))) for one in images):
            yield Entry(f"{path}.dcm", path, stamp=path.rsplit("/", 1)[-1])

    def fetch(self, path: str, folder: Path) -> str:
        """A copy of an instance, in the transfer syntax that the archive keeps.

        Args:
            path: of an entry.
            folder: of this file alone.

        Raises:
            ReadingProblem: UNREADABLE.
            BundleError: the archive does not answer any more.
            OSError: the copy cannot be written.
        """
        as_kept = (("application/dicom", "*"),)
        uids = path.split("/")
        instance = with_patience(
            lambda: self.client.retrieve_instance(*uids, media_types=as_kept),
            self.address,
            lambda: self.client.search_for_studies(limit=1),
        )
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{path.rsplit('/', 1)[-1]}.dcm"
        instance.save_as(copy, enforce_file_format=True)
        return str(copy)


def _pages(ask: Callable[..., list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    offset = 0
    # Filtered by modality, Orthanc 1.10 counts the limit from the first match, not from the offset: an empty page is no
    # end before a larger one is empty too.
    while found := ask(limit=_PAGE, offset=offset) or ask(limit=offset + _PAGE, offset=offset):
        yield from found
        offset += len(found)


def _value(found: Mapping[str, Any], tag: str) -> str:
    return str((found.get(tag, {}).get("Value") or [""])[0])
