"""Two evaluations of the same cases: which is better, and how surely."""

from __future__ import annotations

from typing import Any

import numpy as np

from scripts.errors import BundleError

from .bootstrap import Bootstrap, NotComputable
from .cases import CaseTable
from .metrics import METRICS


def paired_comparison(
    first: CaseTable,
    second: CaseTable,
    metric: str,
    second_metric: str | None = None,
    bootstrap: Bootstrap = Bootstrap(),
) -> dict[str, Any]:
    """How much better the first evaluation is than the second, on the same cases.

    Both are measured on the same resamples of groups, so that what makes a case hard for both cancels.

    Args:
        first: its cases.
        second: the same cases from another evaluation (or the same table, to compare two metrics).
        metric: a key of ``METRICS``.
        second_metric: what is measured on the second instead, such as ``auc_true_area``.
        bootstrap: how to resample.

    Returns:
        ``first``, ``second``, ``difference`` (first minus second), its ``interval``, ``p`` (two-sided, of no
        difference), ``cases`` and ``groups``.

    Raises:
        BundleError: the two are not of the same cases, or the metric cannot be computed or bootstrapped on them.
    """
    names = (metric, second_metric or metric)
    for name in names:
        if name not in METRICS:
            raise BundleError(f'There is no metric "{name}". Use one of {", ".join(METRICS)}.')
    _check_same_cases(first, second)
    metrics = [METRICS[name] for name in names]
    try:
        tables = [measure.cases(table) for measure, table in zip(metrics, (first, second), strict=True)]
        if len(tables[0]) != len(tables[1]):
            raise NotComputable(f'"{names[0]}" and "{names[1]}" are not of the same cases')
        values = [float(m.on(t, np.ones((1, len(t))))[0]) for m, t in zip(metrics, tables, strict=True)]
        draws = bootstrap.draw(
            tables[0]["group"], lambda weights: metrics[0].on(tables[0], weights) - metrics[1].on(tables[1], weights)
        )
    except NotComputable as reason:
        raise BundleError(f'"{metric}" cannot be compared: {reason}.') from reason
    beyond = min((draws <= 0).sum(), (draws >= 0).sum())
    return {
        "first": values[0],
        "second": values[1],
        "difference": values[0] - values[1],
        "interval": bootstrap.interval(draws),
        "p": float(min(1.0, 2 * (beyond + 1) / (len(draws) + 1))),
        "cases": len(tables[0]),
        "groups": len(np.unique(tables[0]["group"])),
    }


def _check_same_cases(first: CaseTable, second: CaseTable) -> None:
    """The two tables must list the same images with the same truth, in the same order."""
    keys = [list(zip(t["dataset"], t["image"], t["diagnosis"], t["group"], strict=True)) for t in (first, second)]
    if keys[0] != keys[1]:
        odd = sorted(set(keys[0]) ^ set(keys[1]))
        name = f'"{odd[0][0]}: {odd[0][1]}" is only in one of them' if odd else "their order differs"
        raise BundleError(f"The two evaluations are not of the same cases: {name}. Evaluate both on the same list.")
