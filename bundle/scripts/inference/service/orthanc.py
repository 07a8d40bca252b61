"""An Orthanc as the source: what is new there, by its feed of changes, is put into the watched folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.data.sources.entries import refuse
from scripts.errors import EXIT_FATAL, BundleError
from scripts.writing.files import write_whole

_PAGE, _SECONDS = 100, 60
#: What is taken: ultrasound, and pictures and captures that may hold some.
_MODALITIES = ("US", "OT", "XC", "SC", "")
#: Of a study's metadata, what says where its report is; numbers from 1024 on are for users of Orthanc.
REPORT_METADATA = 5747


class OrthancFeed:
    """Follows an Orthanc from the first instance on, and remembers how far it has come.

    Args:
        url: of its REST interface, such as ``http://127.0.0.1:8042``; may hold ``user:password@``.
        folder: where instances go, by study and series.
        memory: a file that keeps the place in the feed.
    """

    def __init__(self, url: str, folder: str, memory: Path) -> None:
        self.url, self.folder, self.memory = url.rstrip("/"), Path(folder), memory

    def collect(self) -> int:
        """Fetch what is new; returns how many instances.

        Raises:
            BundleError: Orthanc does not answer.
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        fetched, done = 0, False
        while not done:
            changes = self._get("/changes", since=self._place(), limit=_PAGE).json()
            new = [change["ID"] for change in changes["Changes"] if change["ChangeType"] == "NewInstance"]
            fetched += sum(map(self._fetch, new))
            write_whole(self.memory, json.dumps({"last": changes["Last"]}).encode())
            done = changes["Done"]
        return fetched

    def tell_report(self, study: str, link: str) -> None:
        """Leave the address of a study's report with the study, as metadata.

        Args:
            study: Study Instance UID; nothing happens where Orthanc does not hold it.
            link: the address.

        Raises:
            BundleError: Orthanc does not answer.
        """
        for found in self._ask("POST", "/tools/lookup", study).json():
            if found["Type"] == "Study":
                self._ask("PUT", f"{found['Path']}/metadata/{REPORT_METADATA}", link)

    def _place(self) -> int:
        try:
            return int(json.loads(self.memory.read_text())["last"])
        except (OSError, ValueError, KeyError):
            return 0

    def _fetch(self, identity: str) -> bool:
        tags = self._get(f"/instances/{identity}/simplified-tags", missing=True)
        if tags is None:  # deleted since
            return False
        told = tags.json()
        if told.get("Modality", "") not in _MODALITIES:
            return False
        content = self._get(f"/instances/{identity}/file", missing=True)
        if content is None:
            return False
        uids = [str(told.get(f"{level}InstanceUID") or identity) for level in ("Study", "Series", "SOP")]
        study, series, instance = ("".join(c for c in uid if c.isalnum() or c in ".-") for uid in uids)
        write_whole(self.folder / study / series / f"{instance}.dcm", content.content)
        return True

    def _get(self, path: str, missing: bool = False, **parameters: Any) -> Any:
        return self._ask("GET", path, missing=missing, params=parameters)

    def _ask(self, method: str, path: str, data: str | None = None, missing: bool = False, **more: Any) -> Any:
        import requests  # comes with dicomweb-client

        try:
            answer = requests.request(method, self.url + path, data=data, timeout=_SECONDS, **more)
            if missing and answer.status_code == 404:
                return None
            answer.raise_for_status()
            return answer
        except requests.RequestException as error:
            raise refuse(error, self.url, EXIT_FATAL) from None


def make_feed(url: str, folder: str, output_dir: str) -> OrthancFeed | None:
    """A feed, or None where no address is named.

    Raises:
        BundleError: requests is not installed.
    """
    if not url:
        return None
    try:
        import requests  # noqa: F401
    except ImportError:
        raise BundleError("--orthanc_url needs dicomweb-client: pip install -r requirements-archive.txt") from None
    return OrthancFeed(url, folder, Path(output_dir) / ".orthanc.json")
