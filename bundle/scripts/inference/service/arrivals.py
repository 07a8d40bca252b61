"""A folder whose files come and go: what is whole by now, each file looked into once."""

from __future__ import annotations

import os
import time
from typing import Any

from scripts.data.discovery import list_items, walk
from scripts.data.file_rows import FoundFile, FrameSettings, look_into

Stamp = tuple[int, int]


class Arrivals:
    """The work items of a folder, as of :func:`scripts.data.discover`, without files that are still being written.

    Args:
        dataset_dir: the folder.
        frames, max_frames, any_modality, exclude: as of :func:`scripts.data.discover`.
        settle_seconds: a file is whole when its size and date have stayed as they are for so long.
    """

    def __init__(
        self,
        dataset_dir: str,
        frames: Any = "all",
        max_frames: int = 1000,
        any_modality: bool = False,
        exclude: str = "",
        settle_seconds: float = 5.0,
    ) -> None:
        self.dataset_dir, self.exclude, self.settle_seconds = dataset_dir, exclude, settle_seconds
        self.choice = FrameSettings(frames, max_frames, any_modality)
        self._since: dict[str, tuple[Stamp, float]] = {}
        self._known: dict[str, tuple[Stamp, FoundFile]] = {}

    def items(self) -> list[dict[str, Any]]:
        """Those of files that are whole by now.

        Raises:
            BundleError: the folder does not exist.
        """
        since, known = {}, {}
        for path, name, readable in walk(self.dataset_dir, self.exclude):
            stamp = _stamp(path)
            before = self._since.get(path)
            since[path] = before if before and before[0] == stamp else (stamp, time.monotonic())
            whole = time.monotonic() - since[path][1] >= self.settle_seconds
            if path in self._known and self._known[path][0] == stamp:
                known[path] = self._known[path]
            elif whole:
                known[path] = (stamp, look_into(path, name, self.choice, readable))
        self._since, self._known = since, known
        return list_items([found for _, found in known.values()])


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, 0)
    return status.st_size, status.st_mtime_ns
