"""Descriptions of a data list, one line per image."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.errors import BundleError

FILE_NAME = "descriptions.jsonl"
_COPIED = ("dataset", "group", "diagnosis")


def write_descriptions(
    sections: Mapping[str, Sequence[Mapping[str, Any]]],
    transform: Callable[[dict[str, Any]], Mapping[str, Any]],
    output_dir: str | Path,
) -> Path:
    """Describe every item of a data list and write ``descriptions.jsonl``.

    One JSON object a line, in list order: ``section``, ``image`` (path), ``dataset``, ``group``, ``diagnosis`` (the
    list's own label: it is in no text), ``description``, ``morphology`` and ``measurements`` (null where not assessed).

    Args:
        sections: items by section name, as `load_datalist` gives them.
        transform: loads an item's image and mask and describes them (its last part is `DescribeLesiond`).
        output_dir: made if it does not exist.

    Returns:
        The file written.

    Raises:
        BundleError: an item cannot be loaded or described; the file then holds nothing half done.
    """
    target = Path(output_dir) / FILE_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(_line(section, item, transform(dict(item)))) for section in sections for item in sections[section]
    ]
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return target


def read_descriptions(path: str | Path) -> list[dict[str, Any]]:
    """The lines of a ``descriptions.jsonl``.

    Raises:
        BundleError: the file is missing, or a line is not what `write_descriptions` wrote.
    """
    path = Path(path)
    if not path.is_file():
        raise BundleError(f'There is no "{path}". Write it first with the run "descriptions".')
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not {"image", "description", "morphology"} <= set(line):
            raise BundleError(f"{path.name}: line {number} is no description. Write the file anew.")
        lines.append(line)
    return lines


def _line(section: str, item: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    measurements = {
        name: None if math.isnan(value) else round(float(value), 4) for name, value in described["measurements"].items()
    }
    return {
        "section": section,
        "image": item["image"],
        **{name: item[name] for name in _COPIED if name in item},
        "description": described["description"],
        "morphology": described["morphology"],
        "measurements": measurements,
    }
