"""One strip for every cine of a finished run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.findings.tracks import Reading
from scripts.results.strip import Thumbnail, draw_strip
from scripts.sites import Site
from scripts.writing.drawing import png_bytes
from scripts.writing.files import write_whole

from .result_names import name_results
from .tables.predictions import RowKey, row_key

_FRAME = re.compile(r"_f\d{3,}(?=(_r\d+)?$)")
_THUMBNAILS = 5


class StripWriter:
    """Writes ``overlays/<input>[_rN]_strip.png``.

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
        rows: Sequence[tuple[Mapping[str, str], Reading | None]],
        answer: Reading | None,
        key: int | None,
    ) -> None:
        """Write the strip of one object and region.

        Args:
            rows: of predictions.csv, its analysed frames in order, and what each says of a lesion.
            answer: what the frames say together; None without a lesion.
            key: number of the key frame; None without a lesion.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        shown = [self._thumbnail(row) for row in choose_thumbnails([row for row, _ in rows], key)]
        readings = [(int(row["frame"]), reading) for row, reading in rows]
        picture = draw_strip(readings, answer, key, [one for one in shown if one is not None], self.site)
        write_whole(self.root / "overlays" / f"{self._name(rows[0][0])}.png", png_bytes(picture))

    def _name(self, row: Mapping[str, str]) -> str:
        """After the input; another input's overlay of that name is not overwritten."""
        name = strip_name(row["mask"])
        while name in self._names:
            name += "_strip"
        return name

    @cached_property
    def _names(self) -> set[str]:
        return set(name_results(self.items))

    @cached_property
    def _item_of(self) -> dict[RowKey, Mapping[str, Any]]:
        return {row_key(item): item for item in self.items}

    def _thumbnail(self, row: Mapping[str, str]) -> Thumbnail | None:
        """The frame read again; None where that fails now."""
        item = self.load(dict(self._item_of[row["input"], row["frame"], row["region"]]))
        if item["status"] != "ok":
            return None
        top, left, bottom, right = item["source"]["crop"]
        try:
            with Image.open(self.root / row["mask"]) as image:
                mask = np.asarray(image)[top:bottom, left:right]
        except OSError:
            return None
        picture = (np.asarray(item["image"]) * 255).round().astype(np.uint8)
        return Thumbnail(int(row["frame"]), picture, mask)


def strip_name(mask: str) -> str:
    """The strip's name without suffix, from the path of a frame's mask."""
    return _FRAME.sub("", mask.removeprefix("masks/").removesuffix(".png")) + "_strip"


def choose_thumbnails(rows: Sequence[Mapping[str, str]], key: int | None) -> list[Mapping[str, str]]:
    """Rows spread evenly from the first to the last, of which the one nearest to the key frame gives it its place."""
    count = min(_THUMBNAILS, len(rows))
    places = [round(number * (len(rows) - 1) / max(count - 1, 1)) for number in range(count)]
    if key is not None:
        wanted = next(index for index, row in enumerate(rows) if int(row["frame"]) == key)
        nearest = min(range(count), key=lambda number: abs(places[number] - wanted))
        places[nearest] = wanted
    return [rows[place] for place in sorted(set(places))]
