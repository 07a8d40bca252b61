"""Curves of evaluations, for the model card: ROC, reliability diagram, and risk at falling coverage.

    python benchmarks/curves.py --evaluations before=OUT/before after=OUT/after --output curves.png

An evaluation is a folder that ``run evaluation`` wrote; several are drawn together, each data set a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from bundle_runs import CaseTable, read_cases  # noqa: E402
from sklearn.metrics import roc_curve  # noqa: E402

from scripts.evaluation.statistics import calibration_bins  # noqa: E402

BINS = 8


def draw(axes: np.ndarray, cases: CaseTable, name: str, color: tuple[float, ...], width: float) -> None:
    """One evaluation's three curves, of lesions alone, in lines of a width in points."""
    lesions = cases.select(cases.is_lesion)
    if not len(lesions):
        return
    probability, malignant = lesions.counted_probability, lesions.is_positive
    false, true, _ = roc_curve(malignant, probability)
    line = {"color": color, "linewidth": width}
    axes[0].plot(false, true, label=name, **line)
    bins = calibration_bins(probability, malignant, min(BINS, len(lesions)))
    axes[1].plot([b["probability"] for b in bins], [b["fraction"] for b in bins], marker="o", label=name, **line)
    wrong = lesions.is_correct == 0
    distance = np.abs(probability - cases.classes.threshold)
    confidences = (("reliability", lesions["reliability"], "-"), ("probability", distance, "--"))
    for label, confidence, style in confidences:
        order = np.argsort(-confidence, kind="stable")
        kept = np.arange(1, len(order) + 1)
        axes[2].plot(kept / len(order), np.cumsum(wrong[order]) / kept, style, label=f"{name}, by {label}", **line)


def draw_all(tables: Mapping[str, CaseTable], output: Path) -> None:
    """The curves of several evaluations, by name, into a picture."""
    datasets = sorted({str(dataset) for table in tables.values() for dataset in table["dataset"]})
    figure, axes = plt.subplots(len(datasets), 3, figsize=(12, 3.8 * len(datasets)), squeeze=False)
    for row, dataset in zip(axes, datasets, strict=True):
        for number, (name, table) in enumerate(tables.items()):
            # Calibration leaves a ROC where it is: the first lies pale and broad under the last, so that both are seen.
            above = len(tables) - 1 - number
            color = plt.get_cmap("plasma")(0.15 + 0.65 * above / max(1, len(tables) - 1))
            draw(row, table.select(table["dataset"] == dataset), name, color, 1.3 + 3.5 * above)
        labels = (
            ("1 - specificity", "sensitivity", "ROC of malignancy"),
            ("predicted probability", "share of malignant", f"reliability diagram, {BINS} bins of equal mass"),
            ("share of lesions kept", "share of wrong diagnoses", "risk and coverage"),
        )
        for axis, (x, y, title) in zip(row, labels, strict=True):
            axis.set(xlabel=x, ylabel=y, title=f"{dataset}: {title}", xlim=(0, 1))
            axis.legend(fontsize=8)
            axis.grid(alpha=0.3)
        for axis in row[:2]:
            axis.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
            axis.set_ylim(0, 1)
    figure.tight_layout()
    figure.savefig(output, dpi=110)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluations", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    tables = {}
    for evaluation in arguments.evaluations:
        name, _, folder = evaluation.rpartition("=")
        tables[name] = read_cases(Path(folder))
    draw_all(tables, arguments.output)


if __name__ == "__main__":
    main()
