"""evidence.json: a list that grows by whole entries, readable after any crash."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.findings.finding import Finding
from scripts.writing.files import append_whole, write_whole

from .predictions import RowKey, row_key

_HEAD, _BETWEEN, _TAIL = b"[\n", b",\n", b"\n]\n"


class EvidenceFile:
    """evidence.json, a list that grows by whole entries, one a line, and is valid JSON after each.

    Args:
        path: of evidence.json.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def start(self, keep: Collection[RowKey] = ()) -> None:
        """Begin the file anew, with the entries of those rows that an earlier run has left."""
        lines = [line for key, line in self._entries() if key in keep]
        write_whole(self.path, _HEAD + _BETWEEN.join(lines) + _TAIL)

    def put_in_order(self, order: Mapping[RowKey, int]) -> None:
        """Sort the entries by the input order, if a resumed run has met inputs between those already there."""
        entries = list(self._entries())
        places = [order[key] for key, _ in entries]
        if places != sorted(places):
            lines = [line for _, line in sorted(entries, key=lambda entry: order[entry[0]])]
            write_whole(self.path, _HEAD + _BETWEEN.join(lines) + _TAIL)

    def append(self, row: Mapping[str, Any], finding: Finding) -> None:
        """Add the entry of one row: its key, what was believed and why, and its lesions in words, largest first.

        Raises:
            OSError: the disk is full or gone; the file is as before.
        """
        self.append_line(evidence_line(row, finding))

    def append_line(self, line: bytes) -> None:
        """Add an entry that :func:`evidence_line` has made.

        Raises:
            OSError: the disk is full or gone; the file is as before.
        """
        between = b"" if self.path.stat().st_size <= len(_HEAD + _TAIL) else _BETWEEN
        append_whole(self.path, between + line, _TAIL)

    def _entries(self) -> Iterator[tuple[RowKey, bytes]]:
        """Entries that are whole, with their keys; a killed run may have left half of one."""
        if not self.path.is_file():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                entry = json.loads(line.rstrip(b","))
                region = entry["region"]
                key = (entry["input"], str(entry["frame"]), "" if region is None else str(region))
            except (ValueError, KeyError, TypeError):
                continue
            yield key, line.rstrip(b",")


def evidence_line(row: Mapping[str, Any], finding: Finding) -> bytes:
    """One entry: the row's key, what was believed and why, and its lesions in words, largest first."""
    input_, frame, region = row_key(row)
    key = {"input": input_, "frame": int(frame), "region": int(region) if region else None}
    words = [{"description": lesion.sentence, **lesion.words} for lesion in finding.lesions]
    return json.dumps(key | asdict(finding.evidence) | {"lesions": words}, allow_nan=False).encode()
