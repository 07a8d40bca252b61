"""The performance tables of the model card, from case tables of evaluations.

    python benchmarks/card_figures.py --cases cross-fitted=A/cases.csv shipped=B/cases.csv before=C/cases.csv \\
        --output_dir OUT

``figures.md``: every metric of the first table with its interval, by data set. ``kinds.md``: the values of all tables,
side by side. ``differences.md``: of the first table from each other one, by the paired bootstrap over groups, where
both are of the same cases. What a set does not define is a dash; a set of too few groups has no interval.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bundle_runs import read_cases
from subgroups import with_interval

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.evaluation.cases import CaseTable
from scripts.evaluation.comparison import paired_comparison
from scripts.evaluation.metrics import METRICS
from scripts.evaluation.summary import summarise
from scripts.writing.tables import write_study

#: Figures of the summary that have no interval.
PLAIN = ("ece", "reliability_correlation")


def by_set(table: CaseTable) -> dict[str, CaseTable]:
    """The cases of each data set, and its smallest third of lesions as ``<set>, smallest third``."""
    sets: dict[str, CaseTable] = {}
    for name in sorted(set(table["dataset"].tolist())):
        sets[name] = table.select(table["dataset"] == name)
        sets[f"{name}, smallest third"] = sets[name].select(sets[name]["size"] == "small")
    return sets


def value(table: CaseTable, metric: str) -> str:
    """A metric without its interval; a dash where the cases do not define it."""
    if metric in PLAIN:
        told = summarise(table)["all"].get(metric)
        return "-" if told is None else f"{told['value']:.3f}"
    try:
        return f"{METRICS[metric](table, Bootstrap())['value']:.3f}"
    except NotComputable:
        return "-"


def difference(first: CaseTable, second: CaseTable, metric: str) -> str:
    """How much the first is above the second, with its interval."""
    try:
        told = paired_comparison(first, second, metric)
    except (BundleError, NotComputable):
        return "-"
    return f"{told['difference']:+.3f} ({told['interval'][0]:+.3f} to {told['interval'][1]:+.3f})"


def main() -> None:
    """Write the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", required=True, help="NAME=cases.csv, the one of the card first")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    tables = {name: by_set(read_cases(Path(path).parent)) for name, path in (c.split("=", 1) for c in arguments.cases)}
    first = next(iter(tables))
    rows: dict[str, list[dict[str, Any]]] = {"figures": [], "kinds": [], "differences": []}
    for metric in (*METRICS, *PLAIN):
        figures = {} if metric in PLAIN else {s: with_interval(t, metric) for s, t in tables[first].items()}
        title = METRICS[metric].title if metric in METRICS else metric
        rows["figures"] += [{"metric": title, **figures}] if figures else []
        sets = [name for name in tables[first] if all(name in table for table in tables.values())]
        kinds = {name: ", ".join(value(table[name], metric) for table in tables.values()) for name in sets}
        rows["kinds"].append({"metric": title, **kinds})
        for other in [name for name in tables if name != first and metric not in PLAIN]:
            changes = {name: difference(tables[first][name], tables[other][name], metric) for name in sets}
            rows["differences"].append({"metric": title, "from": other, **changes})
    for name, table in rows.items():
        if table:
            write_study(arguments.output_dir, name, table)
            print((arguments.output_dir / f"{name}.md").read_text())
    print(f"Order of the values: {', '.join(tables)}.")


if __name__ == "__main__":
    main()
