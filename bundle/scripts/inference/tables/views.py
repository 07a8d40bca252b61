"""Objects and regions of a finished run as views, with their lesions followed from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED, SPECK
from scripts.findings.measurements import connected_parts
from scripts.findings.tracks import Part, Reading, StudyRules, Tracker

from .lesions import LesionsByRow

#: Sizes of a lesion that are followed, by the column of lesions.csv.
SIZES = ("area_px", "area_mm2", "long_axis_mm")


@dataclass(frozen=True)
class Sighting:
    """A lesion in one frame.

    Attributes:
        frame: 0-based.
        mask: path of the frame's mask, relative to the results.
        lesion: its number in that frame, as in lesions.csv.
        reading: what was said of it.
        sizes: of it, see :data:`SIZES`; None where not known.
        speck: it has no say in the frame's diagnosis.
    """

    frame: int
    mask: str
    lesion: int
    reading: Reading
    sizes: Mapping[str, float | None]
    speck: bool = False


@dataclass
class View:
    """One object and region: a still image, or a cine.

    Attributes:
        input, region: as in predictions.csv.
        images: how many of its frames were analysed.
        rows: of predictions.csv, those frames in order.
        tracks: its lesions, each with its frames.
    """

    input: str
    region: str
    images: int = 0
    rows: list[Mapping[str, str]] = field(default_factory=list)
    tracks: list[list[Sighting]] = field(default_factory=list)

    @property
    def main_track(self) -> list[Sighting]:
        """The lesion that stands for the view: no mere speck, in most frames, and among equals the most suspicious."""

        def weight(track: list[Sighting]) -> tuple[bool, int, float]:
            return not all(s.speck for s in track), len(track), max(s.reading.probability or 0.0 for s in track)

        return max(self.tracks, key=weight)

    @property
    def found(self) -> int:
        """In how many frames there is a lesion."""
        return len({sighting.frame for track in self.tracks for sighting in track})


def read_views(rows: Iterable[Mapping[str, str]], root: Path, rules: StudyRules, probability: str) -> Iterator[View]:
    """Follow the lesions through each object and region; one object's values are in memory at a time.

    Args:
        rows: of predictions.csv, in its order.
        root: folder of the results, with lesions.csv; a lesion whose row or mask is gone from it does not count.
        rules: see :class:`StudyRules`.
        probability: the name of the probability's column.
    """
    lesions = LesionsByRow(root / "lesions.csv")
    analysed = (row for row in rows if row["status"] == "ok")
    for name, of_object in groupby(analysed, key=lambda row: row["input"]):
        views: dict[str, tuple[View, Tracker]] = {}
        for row in of_object:
            view, tracker = views.setdefault(row["region"], (View(name, row["region"]), Tracker(rules)))
            view.images += 1
            view.rows.append(row)
            # Parts of a mask and rows of lesions.csv are both the largest first.
            told = lesions.of(row) if row["lesion_found"] == "true" else []
            parts = read_parts(root / row["mask"])[: len(told)] if told else []
            for number, (track, lesion) in enumerate(zip(tracker.follow(parts), told, strict=False)):
                if track == len(view.tracks):
                    view.tracks.append([])
                view.tracks[track].append(_sighting(row, lesion, number, probability))
        yield from (view for view, _ in views.values())


def _sighting(row: Mapping[str, str], lesion: Mapping[str, str], number: int, probability: str) -> Sighting:
    """What a row of lesions.csv says of its lesion."""
    flags = lesion["flags"].split("; ")
    doubt = None if NOT_CALIBRATED in flags else INDETERMINATE in flags
    reading = Reading(lesion["diagnosis"], _number(lesion[probability]), float(lesion["reliability"]), doubt)
    sizes = {name: _number(lesion[name]) for name in SIZES}
    return Sighting(int(row["frame"]), row["mask"], number, reading, sizes, SPECK in flags)


def read_parts(path: Path) -> list[Part]:
    """The lesions of a mask, largest first; none where it cannot be read.

    Args:
        path: of the PNG.
    """
    try:
        with Image.open(path) as image:
            return list(connected_parts(np.asarray(image) > 0))
    except OSError:
        return []


def _number(text: str) -> float | None:
    return float(text) if text else None
