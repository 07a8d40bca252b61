"""Are the words true? Terms against what pathology and annotators said: BUS-BRA's histology and BI-RADS category."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.stats.contingency import association

from scripts.errors import BundleError
from scripts.semantics.descriptions import read_descriptions
from scripts.semantics.lexicon import Lexicon
from scripts.writing.tables import markdown

FILE_NAME = "lexicon_table.md"
#: What the literature says of a term and malignancy (Stavros 1995; Hong et al., AJR 184:1260-1265, 2005).
DIRECTIONS = {
    ("shape", "irregular"): "up",
    ("shape", "oval"): "down",
    ("orientation", "not parallel"): "up",
    ("orientation", "parallel"): "down",
    ("margin", "spiculated"): "up",
    ("margin", "angular"): "up",
    ("margin", "microlobulated"): "up",
    ("margin", "circumscribed"): "down",
    ("posterior", "shadowing"): "up",
    ("posterior", "enhancement"): "down",
}
_CATEGORIES = ("2", "3", "4", "5")
_LEAST_CASES = 10  # a histology with fewer lesions gets no row


def write_lexicon_table(
    descriptions: str | Path, cases: str | Path, output_dir: str | Path, lexicon: Lexicon, section: str = "validation"
) -> Path:
    """Tabulate terms by BI-RADS category, pathology and histology, as Markdown.

    Args:
        descriptions: ``descriptions.jsonl`` of BUS-BRA.
        cases: BUS-BRA's ``bus_data.csv`` with ID, Case, Histology, Pathology and BIRADS.
        output_dir: where ``lexicon_table.md`` goes.
        lexicon: of the descriptions; its weighed terms are tabulated.
        section: section of the list to tabulate. Thresholds were chosen on ``training``.

    Raises:
        BundleError: a file is missing, or no description belongs to a case.
    """
    cases = Path(cases)
    if not cases.is_file():
        raise BundleError(f'There is no "{cases}". Give the folder of BUS-BRA as --dataset_dir.')
    with cases.open(newline="", encoding="utf-8") as file:
        known = {row["ID"]: row for row in csv.DictReader(file)}
    rows = [
        {**line, "case": known[Path(line["image"]).stem]}
        for line in read_descriptions(descriptions)
        if line.get("section") == section and Path(line["image"]).stem in known
    ]
    if not rows:
        raise BundleError(f'No description of the section "{section}" belongs to a case of {cases.name}.')
    target = Path(output_dir) / FILE_NAME
    parts = [_by_term(rows, lexicon), _by_histology(rows), _by_measurement(rows), _overlap(rows, lexicon)]
    target.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return target


def odds_ratio(present: NDArray, malignant: NDArray) -> float:
    """Odds of malignancy with a term over those without, 1/2 added to every count (Haldane, Anscombe).

    Args:
        present, malignant: bool, shape (n,).
    """
    both, neither = (present & malignant).sum() + 0.5, (~present & ~malignant).sum() + 0.5
    return float(both * neither / (((present & ~malignant).sum() + 0.5) * ((~present & malignant).sum() + 0.5)))


def odds_interval(present: NDArray, malignant: NDArray, patients: NDArray, draws: int = 1000) -> tuple[float, float]:
    """95 % interval of the odds ratio by bootstrap of patients, whose two views of a lesion are not independent."""
    _, member = np.unique(patients, return_inverse=True)
    cells = 2 * np.asarray(present, int) + np.asarray(malignant, int)
    counts = np.zeros((member.max() + 1, 4))
    np.add.at(counts, (member, cells), 1)
    drawn = np.random.default_rng(0).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=draws)
    neither, only_malignant, only_present, both = (drawn @ counts + 0.5).T
    low, high = np.percentile(both * neither / (only_present * only_malignant), [2.5, 97.5])
    return float(low), float(high)


def _by_term(rows: list[dict[str, Any]], lexicon: Lexicon) -> str:
    malignant = np.array([row["case"]["Pathology"] == "malignant" for row in rows])
    category = np.array([row["case"]["BIRADS"] for row in rows])
    patients = np.array([row["case"]["Case"] for row in rows])
    table = [["term", "n", *(f"BI-RADS {c}" for c in _CATEGORIES), "malignant", "odds ratio [95 %]", "known", "holds"]]
    for name in lexicon.weighed_terms:
        for value in lexicon.terms[name]:
            present = np.array([row["morphology"][name] == value for row in rows])
            if not present.any():
                continue
            ratio, (low, high) = odds_ratio(present, malignant), odds_interval(present, malignant, patients)
            known = DIRECTIONS.get((name, value), "")
            holds = {"": "", "up": low > 1, "down": high < 1}[known]
            table.append(
                [
                    f"{name}: {value}",
                    str(present.sum()),
                    *(_percent(present[category == c]) for c in _CATEGORIES),
                    _percent(malignant[present]),
                    f"{ratio:.2f} [{low:.2f}, {high:.2f}]",
                    known,
                    {"": "", True: "yes", False: "no"}[holds],
                ]
            )
    return markdown(table[0], table[1:])


def _by_histology(rows: list[dict[str, Any]]) -> str:
    kinds, counts = np.unique([row["case"]["Histology"] for row in rows], return_counts=True)
    shown = [
        ("shape", "irregular"),
        ("orientation", "not parallel"),
        ("margin", "circumscribed"),
        ("margin", "spiculated"),
        ("echo", "anechoic"),
        ("posterior", "enhancement"),
        ("posterior", "shadowing"),
    ]
    table = [["histology", "n", *(value for _, value in shown)]]
    for index in np.argsort(-counts):
        if counts[index] < _LEAST_CASES:
            break
        own = [row["morphology"] for row in rows if row["case"]["Histology"] == kinds[index]]
        shares = (_percent(np.array([terms[name] == value for terms in own])) for name, value in shown)
        table.append([str(kinds[index]), str(counts[index]), *shares])
    return markdown(table[0], table[1:])


def _by_measurement(rows: list[dict[str, Any]]) -> str:
    """Rank correlation with the category, and AUC for malignancy, of every measurement by itself."""
    malignant = np.array([row["case"]["Pathology"] == "malignant" for row in rows])
    category = np.array([int(row["case"]["BIRADS"]) for row in rows])
    table = [["measurement", "rank correlation with BI-RADS", "AUC for malignancy"]]
    for name in rows[0]["measurements"]:
        values = np.array([row["measurements"][name] for row in rows], float)
        given = np.isfinite(values)
        values, sick = values[given], malignant[given]
        if np.ptp(values) == 0:
            continue
        area = stats.mannwhitneyu(values[sick], values[~sick]).statistic / (sick.sum() * (~sick).sum())
        table.append([name, f"{stats.spearmanr(values, category[given]).statistic:+.2f}", f"{area:.2f}"])
    return markdown(table[0], table[1:])


def _overlap(rows: list[dict[str, Any]], lexicon: Lexicon) -> str:
    """How far one term gives another away: Cramér's V, 0 for independent, 1 for one and the same."""
    values = {name: [row["morphology"][name] for row in rows] for name in lexicon.weighed_terms}
    table = [["Cramér's V", *values]]
    for one in values:
        cells = []
        for other in values:
            counts = stats.contingency.crosstab(values[one], values[other]).count
            cells.append(f"{association(counts, method='cramer'):.2f}" if min(counts.shape) > 1 else "")
        table.append([one, *cells])
    return markdown(table[0], table[1:])


def _percent(present: NDArray) -> str:
    return f"{100 * present.mean():.0f} %" if len(present) else ""
