"""An evaluator's outputs as rows, in the order of the work items, each after its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scripts.findings.finding import Finding
from scripts.results.result_files import AnalysedImage, ResultFiles
from scripts.sites import Site

from .background import Background
from .tables.predictions import RowKey, finding_cells, row_key


class RowStream:
    """Writes the files of analysed items and hands back rows of predictions.csv with their findings.

    Args:
        items: work items whose ``row`` rises by one, those that need no network among them.
        names: of the items' result files.
        files: writes them.
        site: what is looked for.
        background: where they are written.
        settled: keys of rows that are there already.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        names: Sequence[str],
        files: ResultFiles,
        site: Site,
        background: Background,
        settled: Collection[RowKey] = (),
    ) -> None:
        self.items, self.names, self.files, self.site = items, names, files, site
        self.background, self.settled = background, settled
        self.taken = 0
        self._first = int(items[0]["row"]) if len(items) else 0

    def take(self, batch: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> None:
        """Take the items of one batch that have been through the network, and those that needed none before them."""
        for item, output in zip(batch, outputs, strict=True):
            number = item["row"] - self._first
            self._pass_by(number)
            self._settle(number, {**item, **output})

    def finish(self) -> None:
        """Take the items that needed no network and stand last."""
        self._pass_by(len(self.items))

    def rows(self, wait: bool = False) -> Iterator[tuple[dict[str, Any], Finding | None]]:
        """Rows that are ready, each with its finding, or None where the image was not analysed.

        Args:
            wait: for all that were taken.
        """
        for (row, finding), columns in self.background.done(wait):
            if columns.get("status") == "failed":
                row = self.items[row["row"] - self._first]
            row = {**row, **columns}
            yield row, finding if row["status"] == "ok" else None

    def _pass_by(self, number: int) -> None:
        for place in range(self.taken, number):
            item = self.items[place]
            if row_key(item) not in self.settled:
                self.background.pass_on((item, None), {})
        self.taken = max(self.taken, number)

    def _settle(self, number: int, item: Mapping[str, Any]) -> None:
        """The files and the row of one item."""
        self.taken = number + 1
        told = {name: item.get(name) for name in ("status", "reason", "out_of_domain")}
        row = {**self.items[number], **told}
        if row["status"] != "ok":
            self.background.pass_on((row, None), {})
            return
        finding, picture = item["finding"], np.asarray(item["picture"])
        row |= finding_cells(finding, self.site.classes.probability)
        place = (int(row["frame"]), int(row["region"]), row["content"], row["reason"])
        named = (row["image"], self.names[number], row["row"] + 1)
        image = AnalysedImage(*named, *place, item["source"], picture, finding)
        self.background.submit((row, finding), self.files.write, image)
