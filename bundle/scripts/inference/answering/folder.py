"""A folder of images, one question: a table, masks and pictures."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from scripts.errors import EXIT_UNUSABLE, BundleError
from scripts.results.answer_picture import draw_answer
from scripts.writing.drawing import png_bytes
from scripts.writing.files import append_whole, write_whole

from ..result_names import name_results
from .answerer import Answerer, Told

logger = logging.getLogger(__name__)

TABLE = "answers.csv"
COLUMNS = (
    "input frame region status reason question answer lesions contradictions diagnoses mask picture"
).split()


def answer_folder(
    items: Sequence[Mapping[str, Any]],
    load: Callable[[dict[str, Any]], Mapping[str, Any]],
    answerer: Answerer,
    output_dir: str | Path,
    pictures: bool = True,
) -> None:
    """Ask every image, and write ``answers.csv``, a row each as soon as it is known, ``masks/`` and ``pictures/``.

    A mask is an 8-bit image of the file's size: 0, and 1, 2 ... where the lesions of the answer lie, in its order.
    What cannot be read gets its row with status and reason, and the run goes on.

    Args:
        items: of :func:`scripts.data.discover`.
        load: the preprocessing of inference, which never raises.
        answerer: has the question.
        output_dir: made if it does not exist.
        pictures: draw them.

    Raises:
        BundleError: not one image could be answered.
    """
    folder = Path(output_dir)
    write_whole(folder / TABLE, _line(COLUMNS))
    done = 0
    for item, name in zip(items, name_results(items), strict=True):
        row = {key: item[key] for key in ("input", "frame", "region")}
        row["region"] = "" if item["region"] < 0 else item["region"]
        loaded = load(dict(item))
        row |= {"status": loaded["status"], "reason": loaded["reason"], "question": answerer.question}
        if loaded["status"] == "ok":
            try:
                told = answerer(loaded)
                row |= _written(told, loaded, folder, name, answerer.question, pictures)
                done += 1
            except (RuntimeError, ValueError, IndexError) as error:  # one file must not cost the others theirs
                row |= {"status": "failed", "reason": f"INTERNAL_ERROR {type(error).__name__}"}
        append_whole(folder / TABLE, _line([row.get(column, "") for column in COLUMNS]))
    logger.info("%d of %d images answered; %s and folders in the output folder", done, len(items), TABLE)
    if not done:
        raise BundleError(f"No image could be answered; the reasons are in {TABLE}.", EXIT_UNUSABLE)


def _written(
    told: Told, item: Mapping[str, Any], folder: Path, name: str, question: str, pictures: bool
) -> dict[str, Any]:
    """The files of one answer, and its columns."""
    source, row = item["source"], {"answer": told.text, "lesions": len(told.masks)}
    row["contradictions"] = " ".join(told.doubts)
    row["diagnoses"] = "; ".join(told.diagnoses)
    numbered = np.zeros((int(source["rows"]), int(source["columns"])), np.uint8)
    for number, mask in enumerate(told.masks, start=1):
        numbered[mask & (numbered == 0)] = number
    row["mask"] = f"masks/{name}.png"
    write_whole(folder / row["mask"], png_bytes(Image.fromarray(numbered)))
    if pictures:
        top, left, bottom, right = (int(edge) for edge in source["crop"])
        shown = [mask[top:bottom, left:right] for mask in told.masks]
        row["picture"] = f"pictures/{name}.png"
        picture = np.asarray(torch.as_tensor(item["picture"]))
        drawn = draw_answer(picture, shown, question, told.text, told.doubts)
        write_whole(folder / row["picture"], png_bytes(drawn))
    return row


def _line(values: Sequence[Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue().encode()
