"""studies.csv: lesions followed through cines, and what the views of a study say together; made when a run ends."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from scripts.findings.tracks import Reading, StudyRules, disagree, join_readings
from scripts.inference.strips import StripWriter
from scripts.sites import Classes, Site

from .predictions import PredictionTable, row_key, table_columns
from .views import SIZES, Sighting, View, read_views


def study_columns(probability: str) -> list[str]:
    """The columns of studies.csv.

    Args:
        probability: the name of the probability's column, ``Classes.probability`` of the site.
    """
    ranges = [f"{name}_{of}" for name in (probability, *SIZES) for of in ("min", "median", "max")]
    return [
        *"study input region track views images images_with_lesion share first_frame last_frame".split(),
        *("key_frame", "key_mask", "diagnosis", probability, "indeterminate", "reliability", "views_disagree"),
        *ranges,
    ]


class StudyTable:
    """Makes studies.csv, and the strips of cines, from finished predictions, lesions and masks.

    Args:
        items: work items of :func:`scripts.data.discover`, which know the study of each input.
        output_dir: where the results are.
        site: what was looked for.
        rules: how frames and views are joined.
        strips: draws cines; None draws none.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        output_dir: str | os.PathLike[str],
        site: Site,
        rules: StudyRules,
        strips: StripWriter | None = None,
    ) -> None:
        self.items, self.root, self.rules, self.strips = items, Path(output_dir), rules, strips
        self.classes: Classes = site.classes
        self.predictions = PredictionTable(self.root / "predictions.csv", table_columns(site.classes.probability))
        self.table = PredictionTable(self.root / "studies.csv", study_columns(site.classes.probability))

    def write(self) -> None:
        """Write the table anew.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        self.table.start(self.rows())

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each study with an analysed image, then one for each of its lesion tracks.

        Studies follow each other as their last inputs do, so that only open ones are in memory.
        """
        study_of = {row_key(item)[0]: self._study(item) for item in self.items}
        last = {study_of[row["input"]]: row["input"] for row in self.predictions.rows() if row["status"] == "ok"}
        open_studies: dict[str, list[View]] = {}
        views = read_views(self.predictions.rows(), self.root, self.rules, self.classes.probability)
        for name, of_object in groupby(views, key=lambda view: view.input):
            study = study_of[name]
            for view in of_object:
                if self.strips is not None and view.images > 1:
                    self._draw(view)
                view.rows.clear()  # a study may have many cines
                open_studies.setdefault(study, []).append(view)
            if last[study] == name:
                yield from self._study_rows(study, open_studies.pop(study))

    def _study(self, item: Mapping[str, Any]) -> str:
        """The Study Instance UID, or the folder (ending in a slash) or file."""
        name = row_key(item)[0]
        substitute = name if self.rules.pictures == "file" else (posixpath.dirname(name) or ".") + "/"
        return item.get("study") or substitute

    def _join(self, readings: Sequence[Reading]) -> Reading:
        return join_readings(readings, self.rules, self.classes)

    def _draw(self, view: View) -> None:
        track = view.main_track if view.tracks else []
        of_frame = {str(sighting.frame): sighting for sighting in track}
        answer = self._join([sighting.reading for sighting in track]) if track else None
        key = max(track, key=_reliability).frame if track else None
        self.strips.draw([(row, of_frame.get(row["frame"])) for row in view.rows], answer, key, len(view.tracks))

    def _study_rows(self, study: str, views: Sequence[View]) -> Iterator[dict[str, Any]]:
        with_lesion = [view for view in views if view.tracks]
        mains = [view.main_track for view in with_lesion]
        answers = [self._join([sighting.reading for sighting in track]) for track in mains]
        typical = [
            {name: _middle([sighting.sizes[name] for sighting in track]) for name in SIZES} for track in mains
        ]
        row = {"study": study, "views": len(views)} | _share(
            sum(view.found for view in views), sum(view.images for view in views)
        )
        yield row | self._told(answers, typical, [sighting for track in mains for sighting in track])
        for view in with_lesion:
            for number, track in enumerate(view.tracks):
                row = {"study": study, "input": view.input, "region": view.region, "track": number, "views": 1}
                row |= _share(len(track), view.images)
                row |= {"first_frame": track[0].frame, "last_frame": track[-1].frame}
                readings, sizes = ([getattr(s, name) for s in track] for name in ("reading", "sizes"))
                yield row | self._told(readings, sizes, track)

    def _told(
        self, readings: Sequence[Reading], sizes: Sequence[Mapping[str, float | None]], sightings: Sequence[Sighting]
    ) -> dict[str, Any]:
        """The columns of what several readings say together; the key frame is the sighting with the best mask."""
        if not readings:
            return {"diagnosis": self.classes.none}
        column, together, key = self.classes.probability, self._join(readings), max(sightings, key=_reliability)
        told = {
            "key_frame": key.frame,
            "key_mask": key.mask,
            "diagnosis": together.diagnosis,
            column: _rounded(together.probability),
            "indeterminate": together.indeterminate,
            "reliability": together.mask_reliability,
            "views_disagree": disagree(readings, self.rules),
        }
        told |= _range(column, [reading.probability for reading in readings])
        for name in SIZES:
            told |= _range(name, [size[name] for size in sizes])
        return told


def _reliability(sighting: Sighting) -> float:
    return sighting.reading.mask_reliability


def _share(found: int, images: int) -> dict[str, Any]:
    return {"images": images, "images_with_lesion": found, "share": round(found / images, 4)}


def _range(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    least, most = (min(known), max(known)) if known else (None, None)
    return {f"{name}_min": _rounded(least), f"{name}_median": _rounded(_middle(known)), f"{name}_max": _rounded(most)}


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _rounded(value: float | None) -> float | None:
    return value if value is None else int(value) if float(value).is_integer() else round(value, 4)
