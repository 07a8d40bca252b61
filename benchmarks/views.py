"""A patient's views together against one of them: AUC by rule of ``study_rules``, from an evaluation's ``cases.csv``.

    python benchmarks/views.py --cases OUT/cases.csv --output_dir OUT

Patients are the groups. Each view weighs 1 / views of its patient in *single view*, so that all rows are of the same
patients alike. *gain* is the AUC above it, and *above mean* that above the simplest rule, on the same resamples of
patients. As in studies.csv, views without a lesion take no part in a combination; a patient without any counts 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from bundle_runs import CLASSES, CaseTable

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.evaluation.statistics import weighted_auc
from scripts.findings.tracks import COMBINATIONS, Reading, StudyRules, combine, disagree, join_readings
from scripts.writing.tables import write_study


def views_of_patients(cases: CaseTable, least: int = 1) -> list[CaseTable]:
    """The lesion images of each patient with so many or more.

    Pathology is per lesion: patients with lesions of several classes have no one answer, and are left out.
    """
    cases = cases.select(cases.is_lesion)
    names, patient = np.unique(np.char.add(np.char.add(cases["dataset"], "/"), cases["group"]), return_inverse=True)
    views = [cases.select(patient == one) for one in range(len(names))]
    return [of for of in views if len(of) >= least and len(set(of["diagnosis"])) == 1]


def compare_views(patients: Sequence[CaseTable], bootstrap: Bootstrap = Bootstrap()) -> list[dict[str, object]]:
    """A row for the single view and one for each combination.

    Args:
        patients: see :func:`views_of_patients`.
        bootstrap: how to resample patients.

    Raises:
        NotComputable: too few patients, or one class alone.
    """
    counted, each = np.concatenate([of.counted_probability for of in patients]), np.arange(len(patients))
    patient = np.repeat(each, [len(of) for of in patients])
    share = np.concatenate([np.full(len(of), 1 / len(of)) for of in patients])
    positive = np.array([of.is_positive[0] for of in patients])

    def single(weights: np.ndarray) -> np.ndarray:
        return weighted_auc(counted, positive[patient], weights[:, patient] * share)

    def told(statistic: Callable[[np.ndarray], np.ndarray]) -> str:
        value = float(statistic(np.ones((1, len(each))))[0])
        return "{:.3f} ({:.3f} to {:.3f})".format(value, *bootstrap.interval(bootstrap.draw(each, statistic)))

    scores = {rule: np.array([patient_score(of, rule) for of in patients]) for rule in COMBINATIONS}
    answers = {rule: partial(weighted_auc, scores[rule], positive) for rule in COMBINATIONS}
    counts = {"patients": len(each), "views": len(counted), CLASSES.positive: int(positive.sum())}
    rows = [{"answer": "single view", "AUC": told(single), "gain": None, "above mean": None, **counts}]
    for rule, auc in answers.items():
        gain = told(lambda weights, auc=auc: auc(weights) - single(weights))
        above = None if rule == "mean" else told(lambda weights, auc=auc: auc(weights) - answers["mean"](weights))
        rows.append({"answer": rule.replace("_", " "), "AUC": told(auc), "gain": gain, "above mean": above, **counts})
    return rows


def patient_score(views: CaseTable, rule: str) -> float:
    """Probability of the positive class of one patient."""
    found = views.select(views["lesion_found"] > 0)
    return combine(found.probability, found["reliability"], rule) if len(found) else 0.0


def compare_disagreement(patients: Sequence[CaseTable], rules: StudyRules = StudyRules()) -> list[dict[str, object]]:
    """How often the joint answer is right where views agree and where they do not, of patients with several views.

    Args:
        patients: see :func:`views_of_patients`; those with fewer than two views with a lesion are left out.
        rules: as inference has them.
    """
    right: dict[str, list[bool]] = {"agree": [], "disagree": []}
    for of in patients:
        found = of.select(of["lesion_found"] > 0)
        columns = (found.called, found.probability, found["reliability"], found["indeterminate"] > 0)
        readings = [Reading(str(d), float(p), float(r), bool(i)) for d, p, r, i in zip(*columns, strict=True)]
        if len(readings) > 1:
            answer = join_readings(readings, rules, CLASSES)
            right["disagree" if disagree(readings, rules) else "agree"].append(answer.diagnosis == of["diagnosis"][0])
    return [
        {"views": name, "patients": len(of), "answer is right": float(np.mean(of)) if of else None}
        for name, of in right.items()
    ]


def main() -> None:
    """Write ``views.md``, ``disagreement.md`` and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="cases.csv of an evaluation")
    parser.add_argument("--least", type=int, default=2, help="leave out patients with fewer views")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        patients = views_of_patients(CaseTable.read(arguments.cases, CLASSES), arguments.least)
        tables = {"views": compare_views(patients), "disagreement": compare_disagreement(patients)}
    except (BundleError, NotComputable) as error:
        sys.exit(str(error))
    for name, rows in tables.items():
        write_study(arguments.output_dir, name, rows)
        print((arguments.output_dir / f"{name}.md").read_text())


if __name__ == "__main__":
    main()
