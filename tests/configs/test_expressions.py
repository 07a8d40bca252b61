"""Every expression of every config is Python, with MONAI's references in it, on the oldest Python that is supported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "bundle" / "configs").rglob("*.json"))


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from expressions(part)
    elif isinstance(value, str) and value.startswith("$"):
        yield value[1:]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_expressions_compile_once_references_are_filled_in(path: Path) -> None:
    for expression in expressions(json.loads(path.read_text())):
        if not expression.startswith(("import ", "from ")):
            compile(re.sub(r"@([\w#]+)", r"__local_refs['\1']", expression), str(path), "eval")
