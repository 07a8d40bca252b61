"""The handler that turns an evaluator's outputs into the run's results, row by row."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from torch import nn
from tqdm import tqdm

from scripts.networks import weights_digest
from scripts.results.result_files import ResultFiles
from scripts.sites import Site

from .background import Background
from .interruptions import OneSentence, disk_trouble_in_one_sentence
from .outcome import outcome, totals
from .output_folder import OutputFolder
from .provenance import bundle_version, configuration_digest, network_digest
from .result_names import name_results
from .row_stream import RowStream
from .stopwatch import Stopwatch
from .summary import run_summary
from .tables.lesions import lesion_columns
from .tables.predictions import row_key, table_columns

logger = logging.getLogger("rad_vlsm")

_SECONDS_BETWEEN_PROGRESS = 10.0


class PredictionWriter:
    """Writes the tables, evidence.json, masks, pictures, DICOM results and summary.json while an evaluator runs.

    Rows stand in input order and are appended as they are ready, after their files; a killed run leaves whole files
    and goes on where it was, if weights, options and input are the same. Use: :meth:`open`, run the evaluator over
    :meth:`pending` with this among its handlers, :meth:`close`.

    Args:
        items: work items of :func:`scripts.data.discover`.
        output_dir: where the results go.
        weights: path of the loaded checkpoint.
        network: the network that infers.
        site: what it looks for.
        settings: options that may change results, by name; told in summary.json.
        dataset_dir: where the items come from.
        overwrite: replace the results of an earlier run.
        overlays: draw overlays.
        evidence_figures: draw what was believed of each candidate.
        dicom_results: write SEG and SR for DICOM inputs.
        secondary_capture: write the overlays of DICOM inputs as Secondary Capture too.
        report: write report.html at the end.
        report_names: tell names of files in it.
        num_writers: processes that write files while the network computes; 0 writes in between.
        stopwatch: counts from the start of the run.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        output_dir: str | os.PathLike[str],
        weights: str | os.PathLike[str],
        network: nn.Module,
        site: Site,
        settings: Mapping[str, Any],
        dataset_dir: str | os.PathLike[str] = "",
        overwrite: bool = False,
        overlays: bool = True,
        evidence_figures: bool = True,
        dicom_results: bool = True,
        secondary_capture: bool = False,
        report: bool = True,
        report_names: bool = True,
        num_writers: int = 1,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        outputs = {
            "overlays": overlays,
            "evidence_figures": evidence_figures,
            "dicom_results": dicom_results,
            "secondary_capture": secondary_capture,
        }
        self.items, self.overwrite, self.num_writers = items, overwrite, num_writers
        self.settings = {**settings, **outputs}
        self.report, self.report_names = report, report_names
        self.weights_sha256, self.network = weights_digest(weights), network
        # What results need of a site: it travels to other processes.
        self.site = Site(site.name, site.title, site.classes, site.colors, site.codes, gray=site.gray)
        digest = configuration_digest(
            {
                "version": bundle_version(),
                "weights": self.weights_sha256,
                "network": network_digest(network),
                "site": asdict(self.site),
                "settings": self.settings,
                "input": str(dataset_dir) if "://" in str(dataset_dir) else os.path.realpath(dataset_dir),
            }
        )
        terms = site.lexicon.terms_said if site.lexicon else ()
        probability = site.classes.probability
        columns = table_columns(probability), lesion_columns(probability, terms)
        self.folder = OutputFolder(output_dir, digest, *columns)
        identity = {"version": bundle_version(), "weights_sha256": self.weights_sha256, "configuration": digest}
        self.files = ResultFiles(self.folder.path, identity, self.site, **outputs)
        self.stopwatch = stopwatch or Stopwatch()
        self.background: Background | None = None
        self.progress = tqdm(disable=True)
        self.stream: RowStream | None = None
        self._images_of = Counter(str(item["input"]) for item in items)
        self._settled = set() if overwrite else self.folder.keys()
        self._progress_told = time.monotonic()

    def pending(self) -> list[Mapping[str, Any]]:
        """The items that need the network and have no row yet."""
        return [item for item in self.items if item["status"] == "ok" and row_key(item) not in self._settled]

    def has_news(self) -> bool:
        """Whether there is an item without a row."""
        return any(row_key(item) not in self._settled for item in self.items)

    def open(self) -> None:
        """Make the output folder ready: start it, or go on with it.

        Raises:
            BundleError: it cannot be written, holds other results, or another run is writing to it.
        """
        order = self._order()
        self.folder.open(order, self.overwrite)
        self._settled = self.folder.keys()  # by now: another run may have ended in between
        with disk_trouble_in_one_sentence(self.folder.path):
            self.folder.write_summary(self.summary(finished=False))
        if self._settled:
            logger.info("%d of %d rows are there already.", len(self._settled & order.keys()), len(order))
        self.background = Background(self.num_writers if self.pending() else 0, self.files.warm_up)
        names = name_results(self.items)
        self.stream = RowStream(self.items, names, self.files, self.site, self.background, self._settled)
        # On a terminal alone, and gone at the end: the last line is the sentence.
        self.progress = tqdm(
            total=len(order), initial=len(self._settled & order.keys()), desc="Inference", unit=" images",
            leave=False, disable=None, file=sys.stderr,
        )  # fmt: skip
        self.stopwatch.lap("set_up")

    def attach(self, engine: Engine) -> None:
        """Add this to an evaluator."""
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, lambda: self.stopwatch.lap("reading"))
        engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, lambda: self.stopwatch.lap("network"))
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._take_batch)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._give_up)
        OneSentence().attach(engine)

    def close(self, *summaries: Callable[[], None]) -> None:
        """Write what is left, then ``summaries`` of the whole table, and say how it went, as the last line on stderr.

        Raises:
            BundleError: with exit code 1 and that line, if something failed or nothing was usable.
        """
        with closing(self.folder), closing(self.progress), disk_trouble_in_one_sentence(self.folder.path):
            self.stream.finish()
            self._append_rows(wait=True)
            self.background.close()
            self.folder.put_in_order(self._order())
            self.stopwatch.lap("writing")
            self.summarise(*summaries)
        self.tell_outcome()

    def pause(self) -> None:
        """Keep what has been analysed so far, and let other runs in; the rest is still to do."""
        with closing(self.folder), closing(self.progress), disk_trouble_in_one_sentence(self.folder.path):
            self._append_rows(wait=True)
            self.background.close()

    def summarise(self, *summaries: Callable[[], None]) -> None:
        """Write what is made of the whole table, the page, and at last summary.json, which says that all is there."""
        for write in summaries:
            write()
        self.stopwatch.lap("writing")
        self._write_report()
        self.folder.write_summary(self.summary(finished=True))

    def tell_outcome(self) -> None:
        """Say how the run went, as the last lines on stderr.

        Raises:
            BundleError: with exit code 1 and the last line, if something failed or nothing was usable.
        """
        told = totals(self.folder.path, self.folder.table.rows(), self.summary(finished=True))
        print(*told, sep="\n", file=sys.stderr)
        print(outcome(self.folder.path, self.folder.table.counts()["status"]), file=sys.stderr, flush=True)

    def _write_report(self) -> None:
        if self.report:
            from .html_report import write_report  # Jinja2 is not needed before

            write_report(self.folder.path, self.summary(finished=True), self.report_names)
            self.stopwatch.lap("report")

    def _give_up(self, error: BaseException) -> None:
        self.progress.close()
        self.background.close()
        self.folder.close()

    def _order(self) -> dict[tuple[str, str, str], int]:
        return {row_key(item): index for index, item in enumerate(self.items)}

    def _take_batch(self, engine: Engine) -> None:
        self.stopwatch.lap("postprocessing")
        with disk_trouble_in_one_sentence(self.folder.path):
            self.stream.take(engine.state.batch, engine.state.output)
            self._append_rows()
        self.stopwatch.lap("writing")
        if self.progress.disable and time.monotonic() - self._progress_told > _SECONDS_BETWEEN_PROGRESS:
            self._progress_told = time.monotonic()
            logger.info("%d of %d rows.", self.stream.taken, len(self.items))

    def _append_rows(self, wait: bool = False) -> None:
        for row, finding in self.stream.rows(wait):
            self.folder.append(row, finding, self.site.classes.probability)
            self.progress.update()
            if row["status"] != "ok":
                logger.info("%s: %s, %s.", self._place(row), row["status"], row["reason"])

    def _place(self, row: Mapping[str, Any]) -> str:
        """Where a row will stand in predictions.csv, whose first line is its header; no file's name may be logged."""
        place = f"Line {row['row'] + 2} of predictions.csv"
        if self._images_of[str(row["input"])] == 1:
            return place
        return f"{place} (frame {row['frame']}" + (f", region {row['region']})" if row["region"] >= 0 else ")")

    def summary(self, finished: bool) -> dict[str, Any]:
        """What summary.json says."""
        return run_summary(
            self.items, self.folder.table, self.site, self.network, finished,
            weights_sha256=self.weights_sha256, settings=self.settings, seconds=self.stopwatch.report(),
        )  # fmt: skip
