"""The standing service: round after round a resumed run over what has come, with the network loaded once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from pydicom import dcmread

from scripts.errors import EXIT_UNUSABLE, BundleError
from scripts.inference.analysis import Analysis
from scripts.inference.html_report import REPORT
from scripts.inference.interruptions import disk_trouble_in_one_sentence
from scripts.inference.prediction_writer import PredictionWriter
from scripts.inference.tables.predictions import RowKey, row_key

from .arrivals import Arrivals
from .orthanc import OrthancFeed

logger = logging.getLogger("rad_vlsm")

_SENT = ".sent"


class Service:
    """Watches until it is told to stop; what is analysed stays, and is not analysed again after a restart.

    Args:
        arrivals: of the watched folder.
        analysis: from items to findings.
        writer: makes a :class:`PredictionWriter` of ``items``.
        strips: makes a :class:`scripts.inference.StripWriter` of ``items``; None draws none.
        study_table: makes a :class:`scripts.inference.StudyTable` of ``items`` and ``strips``.
        feed: fills the folder from an Orthanc; None leaves that to others.
        send: sends DICOM results, by their paths, to an archive; None sends nothing.
        report_url: where others find report.html, left with each study of an Orthanc that is the source; "": its path.
        poll_seconds: from one look at the folder to the next.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        analysis: Analysis,
        writer: partial[PredictionWriter],
        strips: partial[Any] | None,
        study_table: partial[Any],
        feed: OrthancFeed | None = None,
        send: Callable[[Sequence[Path]], None] | None = None,
        report_url: str = "",
        poll_seconds: float = 2.0,
    ) -> None:
        self.arrivals, self.analysis, self.feed, self.send = arrivals, analysis, feed, send
        self.writer, self.strips, self.study_table = writer, strips, study_table
        self.poll_seconds = poll_seconds
        self.root: Path = writer(items=[]).folder.path
        self.report_url = report_url or (self.root / REPORT).resolve().as_uri()
        self._stop = threading.Event()
        self._seen: list[RowKey] = []
        self._troubled = ""

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; the batch at hand is finished first.

        Raises:
            BundleError: the output folder belongs to other results, or cannot be written.
        """
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        self.root.mkdir(parents=True, exist_ok=True)
        logger.info("Waiting for files.")
        while not self._stop.is_set():
            with disk_trouble_in_one_sentence(self.root):
                self.round()
            self._stop.wait(self.poll_seconds)
        logger.info("Stopped. The same command goes on from here.")

    def round(self) -> None:
        """Take what has come since the last one."""
        if self.feed is not None:
            self._outside(self.feed.collect)
        items = self.arrivals.items()
        keys = list(map(row_key, items))
        if keys != self._seen:
            if self._analyse(items):
                return
            self._seen = keys
        if self.send is not None:
            self._outside(self._send_new)

    def _analyse(self, items: list[dict[str, Any]]) -> bool:
        """Whether the round was stopped."""
        if not items:
            return False
        writer = self.writer(items=items, overwrite=False)
        if not writer.has_news():
            return False
        writer.open()
        if pending := writer.pending():
            self.analysis.run(pending, writer, self)
        if self._stop.is_set():
            writer.pause()
            return True
        strips = self.strips(items=items) if self.strips is not None else None
        try:
            writer.close(self.study_table(items=items, strips=strips).write)
        except BundleError as error:
            if error.exit_code != EXIT_UNUSABLE:
                raise
            logger.warning("%s", error)
        return False

    def attach(self, engine: Engine) -> None:
        """Add this to an evaluator, which ends after its batch when the service is to stop."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._end)

    def _end(self, engine: Engine) -> None:
        if self._stop.is_set():
            engine.terminate()

    def _outside(self, call: Callable[[], Any]) -> None:
        """What needs an archive that may be away for a while: told once, and tried again in the next round."""
        try:
            call()
            self._troubled = ""
        except BundleError as error:
            if str(error) != self._troubled:
                logger.warning("%s It is tried again.", error)
            self._troubled = str(error)

    def _send_new(self) -> None:
        """Results that were not sent yet; a list beside them says which were."""
        memory = self.root / _SENT
        sent = set(memory.read_text(encoding="utf-8").splitlines()) if memory.is_file() else set()
        for name in sorted(name for name in self._results() if name not in sent):
            self.send([self.root / name])
            if self.feed is not None:
                study = str(dcmread(self.root / name, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)
                self.feed.tell_report(study, f"{self.report_url}#study={study}")
            with open(memory, "a", encoding="utf-8") as file:
                file.write(f"{name}\n")

    def _results(self) -> Iterator[str]:
        for folder in ("dicom_seg", "dicom_sr"):
            for path in (self.root / folder).rglob("*.dcm"):
                yield path.relative_to(self.root).as_posix()
