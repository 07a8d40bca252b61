"""The folder of a run's results: one run at a time, never overwritten by accident, resumed after a crash."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from scripts.errors import BundleError
from scripts.findings.finding import Finding
from scripts.writing.files import write_whole

from .tables.evidence import EvidenceFile
from .tables.lesions import lesion_rows
from .tables.predictions import PredictionTable, RowKey, text_key

_FOLDERS = (
    "masks", "overlays", "dicom_seg", "dicom_sr", "dicom_sc", "evidence", "strips", "report_pictures", "shards",
)  # fmt: skip
_REPORT = "report.html"
_FILES = ("predictions.csv", "lesions.csv", "studies.csv", "evidence.json", "summary.json", _REPORT)
_LOCK = ".lock"
# A killed run's lock ends with its last process, and some need seconds to see that they are alone.
_SECONDS_TO_WAIT = 10.0


class OutputFolder:
    """Where the results go.

    Args:
        path: the folder; need not exist.
        digest: of the configuration whose results it holds.
        columns: of predictions.csv.
        lesion_columns: of lesions.csv.
    """

    def __init__(
        self, path: str | os.PathLike[str], digest: str, columns: Sequence[str], lesion_columns: Sequence[str]
    ) -> None:
        self.path = Path(path)
        self.digest = digest
        self.table = PredictionTable(self.path / "predictions.csv", columns)
        self.lesions = PredictionTable(self.path / "lesions.csv", lesion_columns)
        self.evidence = EvidenceFile(self.path / "evidence.json")
        self._lock = FileLock(self.path / _LOCK, thread_local=False)

    def keys(self) -> set[RowKey]:
        """What an earlier run of the same configuration has settled."""
        if self._known_digest() != self.digest:
            return set()
        return {text_key(row) for row in self.table.rows()}

    def open(self, keep: dict[RowKey, int], overwrite: bool = False) -> None:
        """Make the folder ready to take rows, and keep other runs out until :meth:`close` or the end of this process.

        Args:
            keep: keys of this run's items and their order; rows of an earlier run beside these are dropped.
            overwrite: remove an earlier run's results instead of going on with them or refusing.

        Raises:
            BundleError: the folder cannot be written, holds results of another configuration, or another run is
                writing to it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=_SECONDS_TO_WAIT)
            self._make_ready(keep, overwrite)
        except Timeout:
            raise BundleError(
                f'Another run is writing to "{self.path}". Wait until it has ended, or choose another --output_dir.'
            ) from None
        except OSError as error:
            self.close()
            raise BundleError(f'"{self.path}" cannot be written ({error.strerror}). Check --output_dir.') from None
        except BaseException:
            self.close()
            raise

    def append(self, row: Mapping[str, Any], finding: Finding | None, probability: str) -> None:
        """Add one image: its entry and its lesions, and last its row, which says that all of it is there.

        Args:
            row: of predictions.csv.
            finding: None where the image was not analysed.
            probability: the name of the probability's column.

        Raises:
            OSError: the disk is full or gone.
        """
        if finding is not None:
            self.evidence.append(row, finding)
            self.lesions.append(*lesion_rows(row, finding.lesions, probability))
        self.table.append(row)

    def put_in_order(self, order: Mapping[RowKey, int]) -> None:
        """Sort rows and entries by the input order."""
        for part in (self.table, self.lesions, self.evidence):
            part.put_in_order(order)

    def close(self) -> None:
        """Let other runs in."""
        if self._lock.is_locked:
            with suppress(OSError):  # still ours: who waits for it sees that it is gone, and makes a new one
                os.unlink(self._lock.lock_file)
            self._lock.release(force=True)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write summary.json, which also marks the folder as holding results of this configuration."""
        content = {**summary, "configuration_digest": self.digest}
        write_whole(self.path / "summary.json", (json.dumps(content, indent=2) + "\n").encode())

    def _make_ready(self, keep: dict[RowKey, int], overwrite: bool) -> None:
        known = self._known_digest()
        if overwrite:
            self._remove_results(all_of_them=known is not None)
        elif known != self.digest and any((self.path / name).exists() for name in _FILES + _FOLDERS):
            raise BundleError(
                f'"{self.path}" holds results of another configuration, weights or input. '
                "Choose another --output_dir, or replace them with --overwrite true."
            )
        self._remove_partial_files()
        (self.path / _REPORT).unlink(missing_ok=True)  # until the run ends anew, it would not be the whole truth
        if overwrite or known is None:
            self.write_summary({"finished": False})  # before any row: a folder without it would be refused
        rows = {} if overwrite else {text_key(row): row for row in self.table.rows()}
        kept = sorted(rows.keys() & keep.keys(), key=keep.__getitem__)
        left = set(kept)
        self.evidence.start(left)
        self.lesions.start([row for row in self.lesions.rows() if text_key(row) in left])
        self.table.start(rows[key] for key in kept)

    def _known_digest(self) -> str | None:
        try:
            return str(json.loads((self.path / "summary.json").read_text())["configuration_digest"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remove_results(self, all_of_them: bool) -> None:
        """Folders are removed only where they are known to be results: they may be someone's own ``masks``."""
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in _FOLDERS if all_of_them else ():
            shutil.rmtree(self.path / name, ignore_errors=True)

    def _remove_partial_files(self) -> None:
        """What a killed run has left half written."""
        for folder in (self.path, *(self.path / name for name in _FOLDERS)):
            pattern = ".*.part" if folder == self.path else "**/.*.part"
            for partial in folder.glob(pattern):
                partial.unlink(missing_ok=True)
