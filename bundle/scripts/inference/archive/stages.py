"""What workers do with a shard: look into its files, then analyse what is in them."""

from __future__ import annotations

import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from scripts.data.file_rows import FoundFile, FrameSettings, look_into, make_row
from scripts.data.reasons import ReadingProblem, note
from scripts.data.sources import Entry, Source
from scripts.errors import BundleError, find_bundle_error
from scripts.inference.analysis import Analysis
from scripts.inference.background import Background
from scripts.inference.interruptions import OneSentence, disk_trouble_in_one_sentence
from scripts.inference.row_stream import RowStream
from scripts.results.result_files import ResultFiles

from .attempts import Attempts
from .collector import Collector
from .shards import Shards

_TRIAL_SECONDS = 120.0
_DEADLY = note("DECODER_CRASHED")


class ShardWorker(ABC):
    """Makes a shard of another, and tells trouble instead of raising it: exceptions do not travel whole.

    Args:
        output_dir: of the run; on a disk that all workers share.
        digest: of its configuration.
        source: of the files.
    """

    takes, gives = "", ""

    def __init__(self, output_dir: Path, digest: str, source: Source) -> None:
        self.output_dir, self.digest, self.source = output_dir, digest, source
        self.shards = Shards(output_dir / "shards")

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
        """Work on the shards of the ``key`` column."""
        counts, troubles = [], []
        for key in map(str, batch["key"]):
            try:
                counts.append(self._work(key))
                troubles.append("")
            except Exception as error:  # noqa: BLE001
                counts.append(0)
                troubles.append(_sentence(error))
        return {"key": list(batch["key"]), "entries": counts, "trouble": troubles}

    @abstractmethod
    def work(self, given: list[dict[str, Any]], attempts: Attempts, scratch: Path) -> list[dict[str, Any]]:
        """The rows of the new shard."""

    def fetch(self, path: str, folder: Path) -> str:
        """A file of the source that can be opened; a copy of it, if it is elsewhere, lies in the folder."""
        with disk_trouble_in_one_sentence(folder.parents[1]):
            return self.source.fetch(path, folder)

    def _work(self, key: str) -> int:
        self._check_folder()
        given = self.shards.read(self.takes, key)
        if not self.shards.has(self.gives, key):
            with disk_trouble_in_one_sentence(self.output_dir), TemporaryDirectory(prefix="rad_vlsm_") as scratch:
                attempts = Attempts(self.shards.root / f".{self.gives}-{key}.begun")
                attempts.start()
                self.shards.write(self.gives, key, self.work(given, attempts, Path(scratch)))
                attempts.end()
        return len(given)

    def _check_folder(self) -> None:
        try:
            same = json.loads((self.output_dir / "summary.json").read_text())["configuration_digest"] == self.digest
        except (OSError, ValueError, KeyError):
            same = False
        if not same:
            raise BundleError(
                f'The machine {socket.gethostname()} does not see "{self.output_dir}": choose an --output_dir '
                "on a disk that all workers share."
            )


class LookInto(ShardWorker):
    """From a source's entries to what each file gives.

    Args:
        choice: what is taken of a file.
    """

    takes, gives = "entries", "found"

    def __init__(self, output_dir: Path, digest: str, source: Source, choice: FrameSettings) -> None:
        super().__init__(output_dir, digest, source)
        self.choice = choice

    def work(self, given: list[dict[str, Any]], attempts: Attempts, scratch: Path) -> list[dict[str, Any]]:
        """See :class:`ShardWorker`."""
        rows: list[dict[str, Any]] = []
        for number, values in enumerate(given):
            entry, folder = Entry(**values), scratch / str(number)
            if attempts.condemned(number, partial(self._look, entry, folder), _TRIAL_SECONDS):
                found = FoundFile(entry.path, entry.name, [make_row(status="failed", reason=_DEADLY)])
            else:
                attempts.begin(number)
                found = self._look(entry, folder)
            start, end = found.place or (None, None)
            about = {"path": entry.path, "name": entry.name, "start": start, "end": end}
            rows += [{**about, "study": None, **row} for row in found.rows]
        return rows

    def _look(self, entry: Entry, folder: Path) -> FoundFile:
        try:
            path = self.fetch(entry.path, folder) if entry.readable else entry.path
        except ReadingProblem as problem:
            return FoundFile(entry.path, entry.name, [make_row(status=problem.status, reason=problem.reason)])
        found = look_into(path, entry.name, self.choice, entry.readable)
        if path != entry.path:
            Path(path).unlink()
        return found


class Analyse(ShardWorker):
    """From work items to rows; holds the network.

    Args:
        analysis: with the network.
        files: write the results.
        columns: of predictions.csv.
        num_writers: processes that write files while the network computes.
        threads: of the network.
        gpu: whether the worker has one.
        send: sends DICOM results, by their paths, to an archive; None sends nothing.
    """

    takes, gives = "work", "rows"

    def __init__(
        self,
        output_dir: Path,
        digest: str,
        source: Source,
        analysis: Analysis,
        files: ResultFiles,
        columns: Sequence[str],
        num_writers: int = 0,
        threads: int = 1,
        gpu: bool = False,
        send: Any = None,
    ) -> None:
        super().__init__(output_dir, digest, source)
        torch.set_num_threads(threads)
        self.analysis = analysis.on(torch.device("cuda:0" if gpu else "cpu"))
        self.files, self.columns, self.send = files, columns, send
        self.background = Background(num_writers, files.warm_up)

    def work(self, given: list[dict[str, Any]], attempts: Attempts, scratch: Path) -> list[dict[str, Any]]:
        """See :class:`ShardWorker`."""
        items = self._with_copies(given, scratch)
        while True:
            try:
                return self._analyse(items, attempts)
            except BundleError as error:
                if "DataLoader worker" not in str(error.__cause__):
                    raise
                attempts = Attempts(attempts.path)  # a loading process died: as if this one had
                attempts.start()

    def _analyse(self, items: list[dict[str, Any]], attempts: Attempts) -> list[dict[str, Any]]:
        for item in items:
            if item["status"] == "ok" and attempts.condemned(
                item["row"], partial(self.analysis.load, dict(item)), _TRIAL_SECONDS
            ):
                item |= {"status": "failed", "reason": _DEADLY}
        for _ in self.background.done(wait=True):  # what an attempt has left that came to nothing
            pass
        names = [item["result"] for item in items]
        stream = RowStream(items, names, self.files, self.files.site, self.background)
        collector = Collector(stream, self.columns, self.output_dir)
        pending = [item for item in items if item["status"] == "ok"]
        if pending:
            self.analysis.run(pending, collector, OneSentence(), load=partial(_load, attempts, self.analysis.load))
        stream.finish()
        collector.collect(wait=True)
        if self.send is not None:
            stems = [row["mask"].removeprefix("masks/").removesuffix(".png") for row in collector.rows if row["mask"]]
            paths = [self.output_dir / kind / f"{stem}.dcm" for stem in stems for kind in ("dicom_seg", "dicom_sr")]
            self.send([path for path in paths if path.is_file()])
        return collector.rows

    def _with_copies(self, given: list[dict[str, Any]], scratch: Path) -> list[dict[str, Any]]:
        """The items with paths of files that can be opened; images of one file share its copy."""
        copies: dict[str, str | ReadingProblem] = {}
        items = []
        for item in given:
            path = item["image"]
            if item["status"] == "ok" and path not in copies:
                try:
                    copies[path] = self.fetch(path, scratch / str(len(copies)))
                except ReadingProblem as problem:
                    copies[path] = problem
            copy = copies.get(path, path)
            if isinstance(copy, ReadingProblem):
                items.append({**item, "status": copy.status, "reason": copy.reason})
            else:
                items.append({**item, "image": copy})
        return items


def _load(attempts: Attempts, load: Any, item: Mapping[str, Any]) -> Any:
    attempts.begin(int(item["row"]))
    return load(item)


def _sentence(error: Exception) -> str:
    known = find_bundle_error(error)
    if known is None:
        try:
            OneSentence()(None, error)
        except BundleError as told:
            known = told
    return str(known)
