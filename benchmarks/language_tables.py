"""Tables of what language_loop.py has measured: masks and evidence, referring, words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.evaluation.statistics import weighted_auc
from scripts.writing.tables import write_study

Rows = list[dict[str, Any]]


def write_tables(results: dict[str, dict[str, Any]], folder: Path, default: str, full: str) -> None:
    """``masks.md``, ``referring.md`` and ``words.md`` of what has been measured so far.

    Args:
        results: by row.
        folder: where they are written.
        default: the row of the default network, with which every other is compared.
        full: the row of the full loop, with which every variant is compared.
    """
    tables: dict[str, Rows] = {"masks": [], "evidence": [], "referring": [], "words": []}
    against = {"default": results.get(default), "full": results.get(full)}
    for name, result in results.items():
        rows = {"default": {}, "full": {}} | {key: _by_image(other) for key, other in against.items() if other}
        tables["masks"].append({"row": name, **_masks(result["masks"], rows)})
        tables["evidence"].append({"row": name, **_evidence(result["masks"], rows["default"])})
        tables["referring"].append({"row": name, **_referring(result["referring"])})
        said, true = (sum(pair[i] for pair in result["words"].values()) for i in (0, 1))
        words = {"row": name if name != default else "most frequent value"}
        words |= {"terms": said, "true": true / said if said else None}
        tables["words"].append(words | {term: pair[1] / pair[0] for term, pair in sorted(result["words"].items())})
    columns = list(dict.fromkeys(key for row in tables["words"] for key in row))
    tables["words"] = [{key: row.get(key) for key in columns} for row in tables["words"]]
    for title, lines in tables.items():
        write_study(folder, title, lines)


def _by_image(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["image"]: row for row in result["masks"]}


def _masks(rows: Rows, others: dict[str, dict[str, Any]]) -> dict[str, Any]:
    lesions = [row for row in rows if row["lesion"]]
    line: dict[str, Any] = {}
    for title, chosen in (("Dice", lesions), ("irregular third", [row for row in lesions if row["irregular"]])):
        line[title] = float(np.mean([row["dice"] for row in chosen]))
        for key, other in others.items():
            line[f"{title}: against the {key}"] = _difference(chosen, other)
    return line


def _difference(rows: Rows, other: dict[str, Any]) -> str:
    """Dice minus that of another row on the same images, with its interval (bootstrap of groups)."""
    deltas = np.array([row["dice"] - other[row["image"]]["dice"] for row in rows]) if other else np.zeros(1)
    if not deltas.any():
        return "-"
    return _interval(deltas.mean(), rows, lambda weights: (weights * deltas).sum(1) / weights.sum(1))


def _evidence(rows: Rows, default: dict[str, Any]) -> dict[str, Any]:
    """Whether there is a lesion: what is drawn, and how well the evidence for one ranks the images."""
    lesion = np.array([row["lesion"] for row in rows])
    drawn, scores = np.array([row["drawn"] for row in rows]), np.array([row["evidence"] for row in rows])
    own = np.array([default[row["image"]]["evidence"] for row in rows]) if default else scores
    once = np.ones((1, len(rows)))

    def gain(weights: np.ndarray) -> np.ndarray:
        return weighted_auc(own + scores, lesion, weights) - weighted_auc(own, lesion, weights)

    line = {"lesions found": float(drawn[lesion].mean()), "normals with a mask": float(drawn[~lesion].mean())}
    line["AUROC of a lesion"] = float(weighted_auc(scores, lesion, once)[0])
    line["AUROC of the default's evidence with it"] = float(weighted_auc(own + scores, lesion, once)[0])
    line["gain of the default's"] = "-" if (own == scores).all() else _interval(gain(once)[0], rows, gain)
    return line


def _interval(value: float, rows: Rows, statistic: Any) -> str:
    bootstrap = Bootstrap()
    try:
        low, high = bootstrap.interval(bootstrap.draw(np.array([row["group"] for row in rows]), statistic))
    except NotComputable:
        return f"{value:+.3f}"
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _referring(rows: Rows) -> dict[str, Any]:
    line: dict[str, Any] = {}
    for pasted in (False, True):
        for kind in ("by comparison", "by description"):
            chosen = [row for row in rows if row["pasted"] == pasted and row["kind"] == kind]
            for what in ("right", "other"):
                title = f"{'pasted' if pasted else 'own'}, {kind}: {what} (n {len(chosen)})"
                line[title] = float(np.mean([row[what] for row in chosen])) if chosen else None
    return line
