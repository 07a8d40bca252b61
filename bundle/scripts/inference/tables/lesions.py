"""The rows of lesions.csv: one for each lesion of an image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

from scripts.findings.finding import Lesion

from .predictions import RowKey, read_table, text_key


def lesion_columns(probability: str, terms: Iterable[str] = ()) -> list[str]:
    """The columns of lesions.csv.

    Args:
        probability: the name of the probability's column, ``Classes.probability`` of the site.
        terms: of the site's lexicon, as far as they are said of a lesion.
    """
    columns = f"input frame region lesion diagnosis {probability} reliability flags area_px area_mm2 long_axis_mm"
    return [*columns.split(), "short_axis_mm", "description", *terms]


def lesion_rows(row: Mapping[str, Any], lesions: Iterable[Lesion], probability: str) -> Iterator[dict[str, Any]]:
    """The rows of one image's lesions.

    Args:
        row: of the image, with its key.
        lesions: largest first.
        probability: the name of the probability's column.
    """
    for number, lesion in enumerate(lesions):
        yield {
            **{name: row[name] for name in ("input", "frame", "region")},
            "lesion": number,
            "diagnosis": lesion.diagnosis,
            probability: lesion.probability,
            "reliability": lesion.mask_reliability,
            "flags": "; ".join(lesion.flags),
            **asdict(lesion.size),
            "description": lesion.sentence,
            **lesion.words,
        }


class LesionsByRow:
    """Rows of lesions.csv by row of predictions.csv; both are in one order, so that few wait in memory.

    Args:
        path: of lesions.csv; without it there are none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._groups = groupby(read_table(path), key=text_key)
        self._waiting: dict[RowKey, list[dict[str, str]]] = {}

    def of(self, row: Mapping[str, str]) -> list[dict[str, str]]:
        """The lesions of one image, largest first; each is given out once.

        Args:
            row: of predictions.csv.
        """
        key = text_key(row)
        while key not in self._waiting:
            of, rows = next(self._groups, (key, []))
            self._waiting.setdefault(of, []).extend(rows)
        return self._waiting.pop(key)
