"""Tables in Markdown, and those of a study: the same rows for machines and for readers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .files import write_whole


def write_study(output_dir: str | Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write ``<name>.json`` and ``<name>.md``.

    Args:
        output_dir: made if it does not exist.
        name: of the files.
        rows: values by column; the first row has every column.
    """
    write_whole(Path(output_dir) / f"{name}.json", (json.dumps(list(rows), indent=1) + "\n").encode())
    write_whole(Path(output_dir) / f"{name}.md", markdown_table(rows).encode())


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a Markdown table; numbers with three decimals, what is missing as a dash."""
    columns = list(rows[0]) if rows else []
    return markdown(columns, ([_text(row.get(column)) for column in columns] for row in rows)) + "\n"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A head and rows of text as a Markdown table, without a last line break."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _text(value: Any) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
