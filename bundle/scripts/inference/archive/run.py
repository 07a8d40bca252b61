"""The run over an archive: list, look into, analyse, put together; each step goes on where it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.data.discovery import list_items
from scripts.data.file_rows import FoundFile, FrameSettings
from scripts.data.reasons import ReadingProblem
from scripts.data.sources import Entry, Source
from scripts.errors import EXIT_FATAL, BundleError
from scripts.inference.analysis import Analysis
from scripts.inference.interruptions import disk_trouble_in_one_sentence
from scripts.inference.prediction_writer import PredictionWriter
from scripts.inference.result_names import name_results

from .collector import append_collected
from .shards import Shards, cut, digest_of
from .stages import Analyse, LookInto
from .workers import Cluster

logger = logging.getLogger("rad_vlsm")

Items = list[dict[str, Any]]


class ArchiveRun:
    """Inference over many workers, with the results of :class:`PredictionWriter` at its end.

    Args:
        source: of the files.
        frames, max_frames, any_modality: what is taken of them, as of :func:`scripts.data.discover`.
        analysis: from items to findings.
        writer: makes a :class:`PredictionWriter` of ``items``.
        strips: makes a :class:`scripts.inference.StripWriter` of ``items`` and ``load``; None draws none.
        study_table: makes a :class:`scripts.inference.StudyTable` of ``items`` and ``strips``.
        cluster: the workers.
        shard_files: files of a shard, on average.
        send: sends DICOM results, by their paths, to an archive; None sends nothing.
    """

    def __init__(
        self,
        source: Source,
        frames: Any,
        max_frames: int,
        any_modality: bool,
        analysis: Analysis,
        writer: partial[PredictionWriter],
        strips: partial[Any] | None,
        study_table: partial[Any],
        cluster: Cluster,
        shard_files: int = 64,
        send: Any = None,
    ) -> None:
        self.source, self.choice = source, FrameSettings(frames, max_frames, any_modality)
        self.analysis, self.strips, self.study_table = analysis, strips, study_table
        self.cluster, self.shard_files, self.send = cluster, shard_files, send
        self.writer = writer(items=[])
        self.folder = self.writer.folder
        self.shards = Shards(self.folder.path.resolve() / "shards")

    def run(self) -> None:
        """Run, or go on with a run that was killed.

        Raises:
            BundleError: what a user can mend; with exit code 1 if a file failed or none was usable.
        """
        try:
            with self.cluster:
                entries = self._entries()
                self.folder.open({}, self.writer.overwrite)
                with closing(self.folder), disk_trouble_in_one_sentence(self.folder.path):
                    self._run(entries)
        except KeyboardInterrupt:
            sentence = "Interrupted: run the same command again, and it goes on from there."
            raise BundleError(sentence, EXIT_FATAL) from None
        self.writer.tell_outcome()

    def _run(self, entries: Iterator[Entry]) -> None:
        listed = self._list(entries)
        self.writer.stopwatch.lap("listing")
        self._stage(LookInto, (self.source, self.choice), listed, "files")
        keys, items = self._share_out(list(listed))
        self.writer.stopwatch.lap("discovery")
        arguments = (
            self.source, self.analysis, self.writer.files, self.folder.table.columns, self.writer.num_writers,
            self.cluster.threads, self.cluster.gpus > 0, self.send,
        )  # fmt: skip
        self._stage(Analyse, arguments, keys, "images")
        self.writer.stopwatch.lap("analysis")
        for key in keys:
            append_collected(self.folder, self.shards.read("rows", key))
        self.writer.items = items
        strips = self.strips(items=items, load=self._load) if self.strips is not None else None
        self.writer.summarise(self.study_table(items=items, strips=strips).write)
        self.shards.keep_only({"entries": listed, "found": listed, "work": keys, "rows": keys})

    def _entries(self) -> Iterator[Entry]:
        """The source's, of which there is one at least."""
        entries = iter(self.source.entries())
        first = next(entries, None)
        if first is None:
            raise BundleError(f'"{self.source.address}" lists no files. Check the address.')
        return chain([first], entries)

    def _list(self, entries: Iterator[Entry]) -> dict[str, int]:
        """Shards of entries, and how many each has."""
        listed: dict[str, int] = {}
        for part in cut(entries, self.shard_files):
            rows = [asdict(entry) for entry in part]
            key = digest_of([rows, asdict(self.choice)])
            listed[key] = len(part)
            if not self.shards.has("entries", key):
                self.shards.write("entries", key, rows)
        return listed

    def _stage(self, worker: type, arguments: Sequence[Any], sizes: Mapping[str, int], what: str) -> None:
        """Have the shards made that are not there."""
        left = [key for key in sizes if not self.shards.has(worker.gives, key)]
        total = sum(sizes.values())
        done = total - sum(sizes[key] for key in left)
        if done:
            logger.info("%d of %d %s are there already.", done, total, what)
        self.cluster.run(worker, (self.folder.path.resolve(), self.folder.digest, *arguments), left, what, done, total)

    def _share_out(self, listed: Sequence[str]) -> tuple[dict[str, int], Items]:
        """Work items numbered and named, as shards of work with their sizes; and all of them."""
        files: list[FoundFile] = []
        shard_of: dict[str, int] = {}
        for number, key in enumerate(listed):
            for file in _found_files(self.shards.read("found", key)):
                files.append(file)
                shard_of[file.name] = number
        items = list_items(files, self._copy)
        work: list[Items] = [[] for _ in listed]
        for item, name in zip(items, name_results(items), strict=True):
            work[shard_of[item["input"]]].append({**item, "result": name})
        keys: dict[str, int] = {}
        for part in work:
            key = digest_of([{**item, "row": 0} for item in part])
            keys[key] = len(part)
            if not self.shards.has("rows", key):
                self.shards.write("work", key, part)  # anew, since rows before it may have come or gone
        return keys, items

    @contextmanager
    def _copy(self, path: str) -> Iterator[str]:
        with TemporaryDirectory(prefix="rad_vlsm_") as folder:
            try:
                yield self.source.fetch(path, Path(folder))
            except ReadingProblem:
                yield path

    def _load(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """An item read again, for a strip."""
        with self._copy(item["image"]) as path:
            return self.analysis.load.transforms[0]({**item, "image": path})


def _found_files(rows: Sequence[Mapping[str, Any]]) -> Iterator[FoundFile]:
    """What the workers have found, file by file."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    places: dict[str, tuple[str, Any]] = {}
    for row in rows:
        place = None if row["start"] is None else (row["start"], row["end"])
        places[row["name"]] = (row["path"], place)
        own = {key: value for key, value in row.items() if key not in ("path", "name", "start", "end")}
        if own["study"] is None:
            del own["study"]
        by_name.setdefault(row["name"], []).append(own)
    for name, own_rows in by_name.items():
        path, place = places[name]
        yield FoundFile(path, name, own_rows, place)
