"""Lesions followed through frames by the overlap of their masks, and what several frames or views say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.errors import BundleError
from scripts.sites import Classes

#: One connected part of a mask: its box (top, left, bottom, right; the last two exclusive), and its own mask in it.
Part = tuple[tuple[int, int, int, int], np.ndarray]

COMBINATIONS = ("mean", "reliability_weighted_mean", "median", "max")
PICTURES = ("file", "folder")


@dataclass(frozen=True)
class StudyRules:
    """How frames become tracks, and frames and views one answer; ``study_rules`` of ``configs/inference.json``.

    Attributes:
        overlap: a lesion is the same in two frames from this IoU of its masks on, above 0 to 1.
        gap: so many analysed frames may lie between in which it was not found.
        combine: one of :data:`COMBINATIONS`, of the probabilities of frames or views.
        disagree_from: views disagree where their probabilities lie further apart than this, 0..1.
        pictures: a file without a Study Instance UID is a study of its own (``file``), or of that of its ``folder``.
    """

    overlap: float = 0.2
    gap: int = 1
    combine: str = "mean"
    disagree_from: float = 0.5
    pictures: str = "file"

    def __post_init__(self) -> None:
        for name, known in (("combine", COMBINATIONS), ("pictures", PICTURES)):
            if getattr(self, name) not in known:
                raise BundleError(f"--study_rules#{name} is {getattr(self, name)!r}; choose {', '.join(known)}.")
        if not (0 < self.overlap <= 1 and 0 <= self.disagree_from <= 1 and self.gap >= 0):
            raise BundleError(
                f"study_rules: overlap {self.overlap} must be above 0 and at most 1, disagree_from "
                f"{self.disagree_from} from 0 to 1, and gap {self.gap} at least 0."
            )


@dataclass(frozen=True)
class Reading:
    """What is said of a lesion in one frame, in one view, or in several together.

    Attributes:
        diagnosis: a class of the site; "" where the site has none.
        probability: of the site's positive class, 0..1; None without classes.
        mask_reliability: 0..1; of several, the best.
        indeterminate: the diagnosis is not to be trusted; None where that was never fitted.
    """

    diagnosis: str
    probability: float | None
    mask_reliability: float
    indeterminate: bool | None = None


class Tracker:
    """Follows the lesions of one object and region from each analysed frame to the next.

    Args:
        rules: see :class:`StudyRules`.
    """

    def __init__(self, rules: StudyRules) -> None:
        self.rules = rules
        self._frame, self._tracks = 0, 0
        self._open: dict[int, tuple[int, Part]] = {}  # track -> where in the count of frames it was last, and how

    def follow(self, parts: Sequence[Part]) -> list[int]:
        """Tell the tracks of the next frame's lesions: the pairs that overlap most are matched first, one to one.

        Args:
            parts: of the frame's mask, largest first, in the same grid as before; none where no lesion was found.

        Returns:
            The track of each part; tracks are numbered from 0 as they begin.
        """
        self._frame += 1
        self._open = {
            track: (frame, part)
            for track, (frame, part) in self._open.items()
            if self._frame - frame <= self.rules.gap + 1
        }
        pairs = [
            (-overlap, track, index)
            for track, (_, before) in self._open.items()
            for index, part in enumerate(parts)
            if (overlap := intersection_over_union(before, part)) >= self.rules.overlap
        ]
        track_of: dict[int, int] = {}
        for _, track, index in sorted(pairs):
            if index not in track_of and track not in track_of.values():
                track_of[index] = track
        for index, part in enumerate(parts):
            if index not in track_of:
                track_of[index] = self._tracks
                self._tracks += 1
            self._open[track_of[index]] = (self._frame, part)
        return [track_of[index] for index in range(len(parts))]


def intersection_over_union(first: Part, second: Part) -> float:
    """IoU of two parts of one grid, 0..1."""
    (a, mask_a), (b, mask_b) = first, second
    top, left, bottom, right = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    if top >= bottom or left >= right:
        return 0.0
    windows = [mask[top - box[0] : bottom - box[0], left - box[1] : right - box[1]] for box, mask in (first, second)]
    shared = int(np.count_nonzero(windows[0] & windows[1]))
    return shared / (int(np.count_nonzero(mask_a)) + int(np.count_nonzero(mask_b)) - shared)


def combine(probabilities: Sequence[float], reliabilities: Sequence[float], rule: str) -> float:
    """One probability of several.

    Args:
        probabilities: of frames or views, at least one, 0..1.
        reliabilities: of their masks, 0..1; the weights of ``reliability_weighted_mean``, alike if all are 0.
        rule: one of :data:`COMBINATIONS`.
    """
    if rule == "reliability_weighted_mean":
        return float(np.average(probabilities, weights=reliabilities if any(reliabilities) else None))
    return float({"mean": np.mean, "median": np.median, "max": np.max}[rule](probabilities))


def join_readings(readings: Sequence[Reading], rules: StudyRules, classes: Classes) -> Reading:
    """What frames of a track, or views of a study, say together.

    Of two classes the combined probability decides; of more, the most frequent diagnosis, and among equals that of the
    more reliable mask. It is indeterminate where at least half of the readings are.

    Args:
        readings: at least one.
        rules: see :class:`StudyRules`.
        classes: what a lesion can be.
    """
    best = max(reading.mask_reliability for reading in readings)
    doubts = [reading.indeterminate for reading in readings]
    indeterminate = None if None in doubts else 2 * sum(map(bool, doubts)) >= len(doubts)
    probabilities = [reading.probability for reading in readings if reading.probability is not None]
    probability = None
    if probabilities:
        weights = [reading.mask_reliability for reading in readings if reading.probability is not None]
        probability = combine(probabilities, weights, rules.combine)
    if probability is not None and len(classes.names) == 2:
        diagnosis = classes.positive if probability >= classes.threshold else classes.others[0]
    else:
        votes = Counter(reading.diagnosis for reading in readings)
        chosen = max(readings, key=lambda reading: (votes[reading.diagnosis], reading.mask_reliability))
        diagnosis = chosen.diagnosis
    return Reading(diagnosis, probability, best, indeterminate)


def disagree(readings: Sequence[Reading], rules: StudyRules) -> bool:
    """Whether determinate readings differ in diagnosis, or any two in probability by more than the rules allow."""
    diagnoses = {reading.diagnosis for reading in readings if not reading.indeterminate}
    probabilities = [reading.probability for reading in readings if reading.probability is not None]
    apart = max(probabilities) - min(probabilities) if probabilities else 0.0
    return len(diagnoses) > 1 or apart > rules.disagree_from
