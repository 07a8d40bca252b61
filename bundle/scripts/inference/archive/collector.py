"""The rows of a shard, as the tables of the run will have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from scripts.inference.interruptions import disk_trouble_in_one_sentence
from scripts.inference.output_folder import OutputFolder
from scripts.inference.row_stream import RowStream
from scripts.inference.tables.evidence import evidence_line
from scripts.inference.tables.lesions import lesion_rows
from scripts.inference.tables.predictions import text_cells


class Collector:
    """A handler that keeps the rows of a shard as they stand in the tables.

    Args:
        stream: makes them.
        columns: of predictions.csv.
        output_dir: where their files go.
    """

    def __init__(self, stream: RowStream, columns: Sequence[str], output_dir: Path) -> None:
        self.stream, self.columns, self.output_dir = stream, columns, output_dir
        self.rows: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Add this to an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._take)

    def collect(self, wait: bool = False) -> None:
        """Take the rows that are ready."""
        probability = self.stream.site.classes.probability
        for row, finding in self.stream.rows(wait):
            lesions = [] if finding is None else list(lesion_rows(row, finding.lesions, probability))
            evidence = "" if finding is None else evidence_line(row, finding).decode()
            cells = [text_cells(lesion, list(lesion)) for lesion in lesions]
            self.rows.append({**text_cells(row, self.columns), "lesions": json.dumps(cells), "evidence": evidence})

    def _take(self, engine: Engine) -> None:
        with disk_trouble_in_one_sentence(self.output_dir):
            self.stream.take(engine.state.batch, engine.state.output)
            self.collect()


def append_collected(folder: OutputFolder, rows: Iterable[dict[str, Any]]) -> None:
    """Add the rows of a shard to the tables of a run.

    Args:
        folder: of the run.
        rows: of a :class:`Collector`.

    Raises:
        OSError: the disk is full or gone.
    """
    rows = list(rows)
    for row in rows:
        if row["evidence"]:
            folder.evidence.append_line(row["evidence"].encode())
    folder.lesions.append(*(lesion for row in rows for lesion in json.loads(row["lesions"])))
    folder.table.append(*rows)
