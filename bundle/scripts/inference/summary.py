"""summary.json: what ran, on how much, with what outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from torch import nn

from scripts.sites import Site
from scripts.writing.notice import NOTE

from .provenance import versions
from .tables.predictions import PredictionTable, count_analysed


def run_summary(
    items: Sequence[Mapping[str, Any]],
    table: PredictionTable,
    site: Site,
    network: nn.Module,
    finished: bool,
    **told: Any,
) -> dict[str, Any]:
    """What summary.json says, and the top of report.html.

    Args:
        items: all work items of the run.
        table: their rows so far.
        site: what was looked for.
        network: that inferred.
        finished: whether all rows are there.
        told: what is told as it is.
    """
    classes = site.classes
    return {
        "note": NOTE,
        "finished": finished,
        "ended": datetime.now().astimezone().isoformat(timespec="seconds") if finished else None,
        "rows": len(items),
        "files": len({str(item["input"]) for item in items}),
        "analysed": count_analysed(items, table.rows()),
        "counts": table.counts(),
        "site": {
            "name": site.name, "title": site.title, "probability": classes.probability,
            "positive": classes.positive, "none": classes.none,
        },
        "calibrated": network.is_calibrated(),
        "versions": versions(),
        **told,
    }  # fmt: skip
