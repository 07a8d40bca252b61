"""The handler that turns an evaluator's outputs into the run's results, row by row."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from torch import nn

from scripts.errors import EXIT_UNUSABLE, BundleError
from scripts.reporting.archive_results import ArchiveResults
from scripts.reporting.files import file_digest, write_whole
from scripts.reporting.interruptions import OneSentence, disk_trouble_in_one_sentence
from scripts.reporting.lesion_description import NOTE
from scripts.reporting.output_folder import OutputFolder
from scripts.reporting.overlay import draw_overlay, mask_image, png_bytes
from scripts.reporting.prediction_table import row_key
from scripts.reporting.provenance import bundle_version, configuration_digest, network_digest, versions
from scripts.reporting.result_names import name_results
from scripts.reporting.stopwatch import Stopwatch

logger = logging.getLogger("rad_vlsm")

# A name that the disk refuses costs one row; anything else that cannot be written ends the run.
_REFUSED_NAMES = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
_SECONDS_BETWEEN_PROGRESS = 10.0


class PredictionWriter:
    """Writes predictions.csv, masks, overlays, DICOM results and summary.json while an evaluator runs.

    Rows stand in input order and are appended as they are ready, after their files; a killed run leaves whole files
    and goes on where it was, if weights, options and input are the same. Use: :meth:`open`, run the evaluator over
    :meth:`pending` with this among its handlers, :meth:`close`.

    Args:
        items: work items of :func:`scripts.data.discover`.
        output_dir: where the results go.
        weights: path of the loaded checkpoint.
        network: the network that infers.
        settings: options that may change results, by name; told in summary.json.
        dataset_dir: where the items come from.
        overwrite: replace the results of an earlier run.
        overlays: draw overlays.
        dicom_results: write SEG and SR for DICOM inputs.
        secondary_capture: write overlays as DICOM Secondary Capture too.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        output_dir: str | os.PathLike[str],
        weights: str | os.PathLike[str],
        network: nn.Module,
        settings: Mapping[str, Any],
        dataset_dir: str | os.PathLike[str] = "",
        overwrite: bool = False,
        overlays: bool = True,
        dicom_results: bool = True,
        secondary_capture: bool = False,
    ) -> None:
        self.items = items
        self.names = name_results(items)
        self.overlays, self.dicom_results, self.overwrite = overlays, dicom_results, overwrite
        self.settings = {
            **settings, "overlays": overlays, "dicom_results": dicom_results, "secondary_capture": secondary_capture
        }  # fmt: skip
        self.weights_sha256 = file_digest(weights)
        digest = configuration_digest(
            {
                "version": bundle_version(),
                "weights": self.weights_sha256,
                "network": network_digest(network),
                "settings": self.settings,
                "input": os.path.realpath(dataset_dir),
            }
        )
        self.folder = OutputFolder(output_dir, digest)
        self.archive = ArchiveResults(
            self.folder.path, bundle_version(), self.weights_sha256, digest, secondary_capture
        )
        self.stopwatch = Stopwatch()
        self._settled = set() if overwrite else self.folder.keys()
        self._next = 0
        self._progress_told = time.monotonic()

    def pending(self) -> list[Mapping[str, Any]]:
        """The items that need the network and have no row yet."""
        return [item for item in self.items if item["status"] == "ok" and row_key(item) not in self._settled]

    def open(self) -> None:
        """Make the output folder ready: start it, or go on with it.

        Raises:
            BundleError: it cannot be written, or holds other results.
        """
        order = {row_key(item): index for index, item in enumerate(self.items)}
        self.folder.open(order, self.overwrite)
        if self._settled:
            logger.info("%d of %d rows are there already.", len(self._settled & order.keys()), len(order))
        self._write_summary(finished=False)
        self.stopwatch.lap("set_up")

    def attach(self, engine: Engine) -> None:
        """Add this to an evaluator."""
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, lambda: self.stopwatch.lap("reading"))
        engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, lambda: self.stopwatch.lap("network"))
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write_batch)
        OneSentence().attach(engine)

    def close(self) -> None:
        """Write what is left and say how it went, as the last line on stderr.

        Raises:
            BundleError: with exit code 1 and that line, if something failed or nothing was usable.
        """
        with disk_trouble_in_one_sentence(self.folder.path):
            self._settle_up_to(len(self.items))
            self.folder.table.put_in_order({row_key(item): index for index, item in enumerate(self.items)})
            self.stopwatch.lap("writing")
            self._write_summary(finished=True)
        counts = self.folder.table.counts()
        analysed, skipped, failed = (counts["status"].get(name, 0) for name in ("ok", "skipped", "failed"))
        sentence = f"{analysed} analysed, {skipped} skipped, {failed} failed: see predictions.csv in {self.folder.path}"
        if failed or not analysed:
            reason = "Something failed" if analysed else "Nothing could be analysed"
            raise BundleError(f"{reason}: {sentence}", EXIT_UNUSABLE)
        sys.stdout.flush()
        print(sentence, file=sys.stderr, flush=True)

    def _write_batch(self, engine: Engine) -> None:
        self.stopwatch.lap("postprocessing")
        with disk_trouble_in_one_sentence(self.folder.path):
            for item, output in zip(engine.state.batch, engine.state.output, strict=True):
                self._settle_up_to(item["row"])
                self._settle({**item, **output})
                self._next = item["row"] + 1
        self.stopwatch.lap("writing")
        if time.monotonic() - self._progress_told > _SECONDS_BETWEEN_PROGRESS:
            self._progress_told = time.monotonic()
            logger.info("%d of %d rows are written.", self._next, len(self.items))

    def _settle_up_to(self, row: int) -> None:
        """Rows for items that needed no network, so far."""
        for item in self.items[self._next : row]:
            if row_key(item) not in self._settled:
                self._append(item)
        self._next = max(self._next, row)

    def _settle(self, item: Mapping[str, Any]) -> None:
        """The files and the row of one item that the network has seen."""
        if item["status"] != "ok":
            self._append(item)
            return
        row = {**item, **item["result"]}
        try:
            row.update(self._write_results(row))
        except OSError as error:
            if error.errno not in _REFUSED_NAMES:
                raise
            row = {**item, "status": "failed", "reason": "RESULT_NOT_WRITTEN the name is too long"}
        except Exception as error:  # noqa: BLE001  one patient's file must not cost the others theirs
            row = {**item, "status": "failed", "reason": f"INTERNAL_ERROR {type(error).__name__}"}
        self._append(row)

    def _append(self, row: Mapping[str, Any]) -> None:
        self.folder.table.append(row)
        if row["reason"]:
            logger.info("Row %d: %s, %s.", row["row"], row["status"], row["reason"])

    def _write_results(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Mask, overlay and DICOM files of one row; returns the columns that tell of them."""
        name, source, root = self.names[row["row"]], row["source"], self.folder.path
        mask = np.asarray(row["pred"]).astype(np.uint8)
        if not row["lesion_found"]:
            mask[:] = 0
        told = {"mask": f"masks/{name}.png", "overlay": "", "reason": row["reason"]}
        write_whole(root / told["mask"], png_bytes(mask_image(mask)))
        overlay = None
        if self.overlays or self.archive.secondary_capture:
            top, left, bottom, right = source["crop"]
            overlay = draw_overlay(np.asarray(row["picture"]), mask[top:bottom, left:right], row)
        if self.overlays:
            told["overlay"] = f"overlays/{name}.png"
            write_whole(root / told["overlay"], png_bytes(overlay))
        if self.dicom_results and source["kind"] == "dicom":
            path = self.items[row["row"]]["image"]
            problem = self.archive.write(path, name, mask, row, overlay, row["row"] + 1)
            if problem and problem.split()[0] not in row["reason"]:
                told["reason"] = "; ".join(filter(None, (row["reason"], problem)))
        return told

    def _write_summary(self, finished: bool) -> None:
        self.folder.write_summary(
            {
                "note": NOTE,
                "finished": finished,
                "rows": len(self.items),
                "counts": self.folder.table.counts(),
                "versions": versions(),
                "weights_sha256": self.weights_sha256,
                "settings": self.settings,
                "seconds": self.stopwatch.report(),
            }
        )
