"""A patient's views together against one of them: AUC by rule of ``study_rules``, from an evaluation's ``cases.csv``.

    python benchmarks/views.py --cases OUT/cases.csv --output_dir OUT

Patients are the groups. Each view weighs 1 / views of its patient in *single view*, so that all rows are of the same
patients alike. *gain* is the AUC above it, and *above mean* that above the simplest rule, on the same resamples of
patients. As in studies.csv, views without a lesion take no part in a combination; a patient without any counts 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from bundle_runs import CLASSES, CaseTable

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.evaluation.statistics import weighted_auc
from scripts.findings.tracks import COMBINATIONS, combine
from scripts.writing.tables import write_study


def compare_views(cases: CaseTable, least: int = 1, bootstrap: Bootstrap = Bootstrap()) -> list[dict[str, object]]:
    """A row for the single view and one for each combination.

    Args:
        cases: of an evaluation; images without a true lesion are left out.
        least: patients with fewer views are left out.
        bootstrap: how to resample patients.

    Raises:
        NotComputable: too few patients, or one class alone.
    """
    cases = cases.select(cases.is_lesion)
    key = np.char.add(np.char.add(cases["dataset"], "/"), cases["group"])
    names, patient, views = np.unique(key, return_inverse=True, return_counts=True)
    # Pathology is per lesion: patients with lesions of both classes have no one answer.
    mixed = np.array([np.ptp(cases.is_positive[patient == one].astype(int)) > 0 for one in range(len(names))])
    kept = np.flatnonzero((views >= least) & ~mixed)
    chosen = np.isin(patient, kept)
    cases, patient = cases.select(chosen), np.searchsorted(kept, patient[chosen])
    positive = np.array([cases.is_positive[patient == one].any() for one in range(len(kept))])
    share = 1 / views[kept][patient]

    def single(weights: np.ndarray) -> np.ndarray:
        return weighted_auc(cases.counted_probability, cases.is_positive, weights[:, patient] * share)

    def told(statistic: Callable[[np.ndarray], np.ndarray]) -> str:
        value = float(statistic(np.ones((1, len(kept))))[0])
        low, high = bootstrap.interval(bootstrap.draw(np.arange(len(kept)), statistic))
        return f"{value:.3f} ({low:.3f} to {high:.3f})"

    views_of = [cases.select(patient == one) for one in range(len(kept))]
    scores = {rule: np.array([_patient_score(of, rule) for of in views_of]) for rule in COMBINATIONS}
    answers = {rule: partial(weighted_auc, scores[rule], positive) for rule in COMBINATIONS}
    counts = {"patients": len(kept), "views": len(cases), CLASSES.positive: int(positive.sum())}
    rows = [{"answer": "single view", "AUC": told(single), "gain": None, "above mean": None, **counts}]
    for rule, auc in answers.items():
        gain = told(lambda weights, auc=auc: auc(weights) - single(weights))
        above = None if rule == "mean" else told(lambda weights, auc=auc: auc(weights) - answers["mean"](weights))
        rows.append({"answer": rule.replace("_", " "), "AUC": told(auc), "gain": gain, "above mean": above, **counts})
    return rows


def _patient_score(views: CaseTable, rule: str) -> float:
    found = views.select(views["lesion_found"] > 0)
    return combine(found.probability, found["reliability"], rule) if len(found) else 0.0


def main() -> None:
    """Write ``views.md`` and ``views.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="cases.csv of an evaluation")
    parser.add_argument("--least", type=int, default=2, help="leave out patients with fewer views")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        rows = compare_views(CaseTable.read(arguments.cases, CLASSES), arguments.least)
    except (BundleError, NotComputable) as error:
        sys.exit(str(error))
    write_study(arguments.output_dir, "views", rows)
    print((arguments.output_dir / "views.md").read_text())


if __name__ == "__main__":
    main()
