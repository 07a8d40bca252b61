"""One strip for every cine of a finished run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from scripts.findings.tracks import Reading
from scripts.results.strip import Thumbnail, draw_strip
from scripts.sites import Site
from scripts.writing.drawing import png_bytes
from scripts.writing.files import write_whole

from .tables.predictions import RowKey, row_key, text_key
from .tables.views import Sighting, read_parts

_FRAME = re.compile(r"_f\d{3,}(?=(_r\d+)?$)")
_THUMBNAILS = 5


class StripWriter:
    """Writes ``strips/<input>[_rN].png``.

    Args:
        items: work items of :func:`scripts.data.discover`.
        output_dir: where the results are.
        site: its words and colours.
        load: loads the ``image`` of an item, such as :class:`scripts.data.LoadUltrasoundd` with its failures recorded.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        output_dir: str | os.PathLike[str],
        site: Site,
        load: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        self.items, self.root, self.site, self.load = items, Path(output_dir), site, load

    def draw(
        self,
        rows: Sequence[tuple[Mapping[str, str], Sighting | None]],
        answer: Reading | None,
        key: int | None,
        lesions: int,
    ) -> None:
        """Write the strip of one object and region.

        Args:
            rows: of predictions.csv, its analysed frames in order, and the main lesion in each; None where it was not
                found.
            answer: what the frames say of it together; None without a lesion.
            key: number of the key frame; None without a lesion.
            lesions: how many were followed.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        seen = {row["frame"]: sighting for row, sighting in rows}
        chosen = choose_thumbnails([row for row, _ in rows], key)
        shown = [one for row in chosen if (one := self._thumbnail(row, seen[row["frame"]])) is not None]
        readings = [(int(frame), sighting and sighting.reading) for frame, sighting in seen.items()]
        picture = draw_strip(readings, answer, key, shown, self.site, lesions)
        write_whole(self.root / strip_path(rows[0][0]), png_bytes(picture))

    @cached_property
    def _item_of(self) -> dict[RowKey, Mapping[str, Any]]:
        return {row_key(item): item for item in self.items}

    def _thumbnail(self, row: Mapping[str, str], sighting: Sighting | None) -> Thumbnail | None:
        """The frame read again, and the outline of the main lesion; None where that fails now."""
        item = self.load(dict(self._item_of[text_key(row)]))
        if item["status"] != "ok":
            return None
        picture = (np.asarray(item["image"]) * 255).round().astype(np.uint8)
        mask = np.zeros((item["source"]["rows"], item["source"]["columns"]), bool)
        for number, ((top, left, bottom, right), inside) in enumerate(read_parts(self.root / row["mask"])):
            if sighting is not None and number == sighting.lesion:
                mask[top:bottom, left:right] = inside
        top, left, bottom, right = item["source"]["crop"]
        return Thumbnail(int(row["frame"]), picture, mask[top:bottom, left:right])


def strip_path(row: Mapping[str, str]) -> str:
    """Where the strip of a view lies, relative to the results.

    Args:
        row: of predictions.csv, any of its analysed frames.
    """
    return f"strips/{_FRAME.sub('', row['mask'].removeprefix('masks/').removesuffix('.png'))}.png"


def choose_thumbnails(rows: Sequence[Mapping[str, str]], key: int | None) -> list[Mapping[str, str]]:
    """Rows spread evenly from the first to the last, of which the one nearest to the key frame gives it its place."""
    count = min(_THUMBNAILS, len(rows))
    places = [round(number * (len(rows) - 1) / max(count - 1, 1)) for number in range(count)]
    if key is not None:
        wanted = next(index for index, row in enumerate(rows) if int(row["frame"]) == key)
        nearest = min(range(count), key=lambda number: abs(places[number] - wanted))
        places[nearest] = wanted
    return [rows[place] for place in sorted(set(places))]
