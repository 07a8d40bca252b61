"""Two evaluations of the same images against each other, from their ``cases.csv``.

    python benchmarks/paired.py --first OUT/cases.csv --second OTHER/cases.csv --metrics auc brier --output_dir OUT

For each data set and metric both values, the difference (first minus second), and its 95 % interval from a paired
bootstrap over groups.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from bundle_runs import CLASSES, CaseTable, compare

from scripts.errors import BundleError
from scripts.evaluation.metrics import METRICS
from scripts.writing.tables import write_study


def compare_all(first: CaseTable, second: CaseTable, metrics: Sequence[str]) -> Iterator[dict[str, object]]:
    """A row for each data set and metric that it defines.

    Args:
        first, second: of the same images.
        metrics: keys of ``METRICS``.
    """
    for dataset in np.unique(first["dataset"]).tolist():
        for metric in metrics:
            try:
                told = compare(first, second, metric, {"dataset": dataset})
            except BundleError as reason:
                print(f"{dataset}, {metric}: {reason}")
                continue
            low, high = told["interval"]
            yield {
                "data set": dataset,
                "metric": METRICS[metric].title,
                "first": f"{told['first']:.4f}",
                "second": f"{told['second']:.4f}",
                "difference": f"{told['difference']:+.4f} ({low:+.4f} to {high:+.4f})",
            }


def main() -> None:
    """Compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=Path, required=True, help="cases.csv")
    parser.add_argument("--second", type=Path, required=True, help="cases.csv of another evaluation")
    parser.add_argument("--metrics", nargs="+", choices=METRICS, default=["auc", "accuracy", "brier", "indeterminate"])
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    tables = [CaseTable.read(path, CLASSES) for path in (arguments.first, arguments.second)]
    write_study(arguments.output_dir, "paired", list(compare_all(*tables, arguments.metrics)))
    print((arguments.output_dir / "paired.md").read_text())


if __name__ == "__main__":
    main()
