"""The run `region_descriptions`: painted pictures, their texts, and how far these are true."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scripts.semantics import Lexicon, describe_region, separate_regions, write_sentence
from scripts.semantics.questions import free_terms
from scripts.writing.drawing import PREDICTED_COLOR, png_bytes
from scripts.writing.files import write_whole
from scripts.writing.tables import write_study

from .checking import HallucinationCount

FILE_NAME = "region_descriptions.jsonl"
#: How much of the colour covers the lesion.
COVER = 0.4


def paint_region(image: NDArray, region: NDArray) -> Image.Image:
    """A gray picture in [0, 1] (H, W) with a region, bool (H, W), under a see-through colour."""
    canvas = np.repeat(np.asarray(image, np.float32)[..., None] * 255, 3, axis=2)
    canvas[region] = (1 - COVER) * canvas[region] + COVER * np.array(PREDICTED_COLOR)
    return Image.fromarray(canvas.round().clip(0, 255).astype(np.uint8))


def write_region_descriptions(
    items: Sequence[Mapping[str, Any]],
    load: Callable[[dict[str, Any]], Mapping[str, Any]],
    lexicon: Lexicon,
    output_dir: str | Path,
    describe: Callable[[Image.Image], str] | None = None,
    most_false: float = 1.0,
    phrasing: int = 0,
) -> Path:
    """Paint and describe every lesion of a data list.

    Writes ``painted/<number>_<lesion>.png``; ``region_descriptions.jsonl``, a line for each lesion with ``image``,
    ``lesion``, ``painted``, ``text``, ``terms`` (measured), ``said``, ``contradictions`` and ``kept``; and
    ``hallucination.md``, by term the share of what was said that is not true.

    Args:
        items: of :func:`scripts.data.load_datalist`.
        load: loads ``image`` (1|3, H, W) and ``label`` (1, H, W).
        lexicon: the words, and what they are measured by.
        output_dir: made if it does not exist.
        describe: a painted picture -> a text, such as a vision-language model; None states what is measured.
        most_false: a text is kept where no larger share of its terms is not true, and it has no word of diagnosis.
        phrasing: number of the phrasing of measured texts.

    Returns:
        The file of the texts.
    """
    folder, lines, count = Path(output_dir), [], HallucinationCount(lexicon)
    for number, item in enumerate(items):
        loaded = load(dict(item))
        image, mask = (torch.as_tensor(loaded[key]).cpu().numpy() for key in ("image", "label"))
        gray = image.mean(axis=0)
        for place, region in enumerate(separate_regions(mask[0]), start=1):
            measured = describe_region(gray, region, lexicon)
            painted = paint_region(gray, region)
            name = f"painted/{number:05d}_{place}.png"
            write_whole(folder / name, png_bytes(painted))
            text = write_sentence(lexicon, measured, phrasing) if describe is None else describe(painted)
            said = free_terms(lexicon, text)
            wrong = count.add(said, measured)
            lines.append(
                {
                    "image": item["image"],
                    "lesion": place,
                    "painted": name,
                    "text": text,
                    "terms": measured,
                    "said": said,
                    "contradictions": wrong,
                    "kept": len(wrong) <= most_false * max(1, len(said)) and not lexicon.find_forbidden(text),
                }
            )
    write_whole(folder / FILE_NAME, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    write_study(folder, "hallucination", count.rows())
    return folder / FILE_NAME
