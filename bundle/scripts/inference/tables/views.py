"""Objects and regions of a finished run as views, with their lesions followed from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.findings.measurements import connected_parts
from scripts.findings.tracks import Part, Reading, StudyRules, Tracker


@dataclass(frozen=True)
class Sighting:
    """A lesion in one frame.

    Attributes:
        frame: 0-based.
        mask: path of the frame's mask, relative to the results.
        reading: what was said of the frame.
        sizes: of the lesion by column; None where not known.
    """

    frame: int
    mask: str
    reading: Reading
    sizes: Mapping[str, float | None]


@dataclass
class View:
    """One object and region: a still image, or a cine.

    Attributes:
        input, region: as in predictions.csv.
        images: how many of its frames were analysed.
        rows: of predictions.csv, those frames in order, with what each says of a lesion; None where there is none.
        tracks: its lesions, each with its frames.
    """

    input: str
    region: str
    images: int = 0
    rows: list[tuple[Mapping[str, str], Reading | None]] = field(default_factory=list)
    tracks: list[list[Sighting]] = field(default_factory=list)

    @property
    def main_track(self) -> list[Sighting]:
        """The lesion that stands for the view: in most frames, and among equals the most suspicious."""
        return max(self.tracks, key=lambda track: (len(track), max(s.reading.probability or 0.0 for s in track)))

    @property
    def found(self) -> int:
        """In how many frames there is a lesion."""
        return len({sighting.frame for track in self.tracks for sighting in track})


def read_views(rows: Iterable[Mapping[str, str]], root: Path, rules: StudyRules, probability: str) -> Iterator[View]:
    """Follow the lesions through each object and region; one object's values are in memory at a time.

    Args:
        rows: of predictions.csv, in its order.
        root: folder of the results; a mask that is gone from it counts as empty.
        rules: see :class:`StudyRules`.
        probability: the name of the probability's column.
    """
    analysed = (row for row in rows if row["status"] == "ok")
    for name, of_object in groupby(analysed, key=lambda row: row["input"]):
        views: dict[str, tuple[View, Tracker]] = {}
        for row in of_object:
            view, tracker = views.setdefault(row["region"], (View(name, row["region"]), Tracker(rules)))
            parts = _parts(root / row["mask"]) if row["lesion_found"] == "true" else []
            reading = read_row(row, probability) if parts else None
            view.images += 1
            view.rows.append((row, reading))
            for rank, (track, part) in enumerate(zip(tracker.follow(parts), parts, strict=True)):
                if track == len(view.tracks):
                    view.tracks.append([])
                sizes = _sizes(row, int(np.count_nonzero(part[1])), largest=rank == 0)
                view.tracks[track].append(Sighting(int(row["frame"]), row["mask"], reading, sizes))
        yield from (view for view, _ in views.values())


def read_row(row: Mapping[str, str], probability: str) -> Reading:
    """What a row of predictions.csv says of its lesion."""
    doubt = row["indeterminate"] == "true" if row["indeterminate"] else None
    return Reading(row["diagnosis"], _number(row[probability]), float(row["reliability"]), doubt)


def _parts(path: Path) -> list[Part]:
    try:
        with Image.open(path) as image:
            return list(connected_parts(np.asarray(image) > 0))
    except OSError:
        return []


def _sizes(row: Mapping[str, str], area: int, largest: bool) -> dict[str, float | None]:
    """The row's area is that of all its lesions, its axes are those of the largest."""
    square = _number(row["area_mm2"])
    return {
        "area_px": area,
        "area_mm2": None if square is None else square * area / int(row["area_px"]),
        "long_axis_mm": _number(row["long_axis_mm"]) if largest else None,
    }


def _number(text: str) -> float | None:
    return float(text) if text else None
