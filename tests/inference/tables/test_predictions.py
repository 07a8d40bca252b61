"""predictions.csv survives odd names, torn writes and full disks."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.inference.tables.predictions import PredictionTable, count_analysed, row_key, table_columns

COLUMNS = table_columns("malignancy_probability")


def row(name: str, **columns: Any) -> dict[str, Any]:
    return {"input": name, "frame": 0, "region": -1, "status": "ok", "reason": "", **columns}


@pytest.fixture
def table(tmp_path: Path) -> PredictionTable:
    table = PredictionTable(tmp_path / "predictions.csv", COLUMNS)
    table.start()
    return table


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """A disk that is full, as far as this process can tell."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_cells_are_written_as_the_contract_says(table: PredictionTable) -> None:
    table.append(row("a", lesion_found=True, indeterminate=False, malignancy_probability=None, area_px=3))
    table.append(row("a", region=1))
    first, second = table.rows()
    assert list(first) == COLUMNS
    assert (first["lesion_found"], first["indeterminate"], first["malignancy_probability"]) == ("true", "false", "")
    assert (first["region"], second["region"], first["area_px"], first["frame"]) == ("", "1", "3", "0")


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb", "a\rb", "a\r\nb", " a ", "\udcff", "é", "'=1+1"])
def test_any_name_comes_back_as_its_key(table: PredictionTable, name: str) -> None:
    table.append(row(name))
    table.append(row("next"))
    assert [(got["input"], got["frame"], got["region"]) for got in table.rows()] == [
        row_key(row(name)), ("next", "0", "")
    ]  # fmt: skip
    table.path.read_text(encoding="utf-8")


def test_a_torn_row_is_not_read(table: PredictionTable) -> None:
    table.append(row("a"))
    table.append(row("b\nc", reason="words, more"))
    whole = table.path.read_bytes()
    end_of_first = len(whole) - len(whole.split(b'"b', 1)[1]) - 2
    for cut in range(end_of_first, len(whole)):
        table.path.write_bytes(whole[:cut])
        assert [got["input"] for got in table.rows()] == ["a"], cut


def test_a_full_disk_leaves_the_table_as_it_was(table: PredictionTable) -> None:
    table.append(row("a"))
    before = table.path.read_bytes()
    with files_no_larger_than(len(before) + 10), pytest.raises(OSError):
        table.append(row("b" * 100))
    assert table.path.read_bytes() == before
    table.append(row("b"))
    assert [got["input"] for got in table.rows()] == ["a", "b"]


def test_rows_can_be_put_into_input_order(table: PredictionTable) -> None:
    for name in "acb":
        table.append(row(name))
    table.put_in_order({row_key(row(name)): place for place, name in enumerate("abc")})
    assert [got["input"] for got in table.rows()] == ["a", "b", "c"]


def test_counts_are_by_code(table: PredictionTable) -> None:
    table.append(row("a", reason="COLOR_FLOW; SPACING_UNKNOWN", diagnosis="benign"))
    table.append(row("b", status="failed", reason="TRUNCATED the header is cut"))
    assert table.counts() == {
        "status": {"failed": 1, "ok": 1},
        "reason": {"COLOR_FLOW": 1, "TRUNCATED": 1},
        "diagnosis": {"benign": 1},
    }


def test_a_table_of_another_site_counts_as_empty(table: PredictionTable) -> None:
    table.append(row("a"))
    assert list(PredictionTable(table.path, table_columns("melanoma_probability")).rows()) == []


def test_images_files_and_studies_are_counted_apart(table: PredictionTable) -> None:
    items = [{**row("cine.dcm"), "frame": frame, "study": "1.2"} for frame in range(3)]
    items += [{**row("still.dcm", region=region), "study": "1.2"} for region in (0, 1)]
    items += [row("a.png"), {**row("other.dcm"), "study": "1.3"}]
    for item in items[:-1]:
        table.append(item)
    table.append({**items[-1], "status": "failed"})
    assert count_analysed(items, table.rows()) == {"images": 6, "files": 3, "studies": 1}
