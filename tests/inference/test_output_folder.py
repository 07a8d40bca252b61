"""An output folder is resumed by the same run, refused to another, and never someone else's files' end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scripts.errors import BundleError
from scripts.inference import output_folder
from scripts.inference.output_folder import OutputFolder
from scripts.inference.tables.lesions import lesion_columns, lesion_rows
from scripts.inference.tables.predictions import table_columns

COLUMNS = table_columns("probability")
LESION_COLUMNS = lesion_columns("probability")
ORDER = {(name, "0", ""): place for place, name in enumerate("abc")}


def use(path: Path, digest: str = "one", overwrite: bool = False, order: dict = ORDER) -> OutputFolder:
    folder = OutputFolder(path, digest, COLUMNS, LESION_COLUMNS)
    folder.open(order, overwrite)
    folder.write_summary({})
    folder.close()
    return folder


def add(folder: OutputFolder, name: str) -> None:
    folder.table.append({"input": name, "frame": 0, "region": -1, "status": "ok"})


def test_the_same_configuration_goes_on(tmp_path: Path) -> None:
    add(use(tmp_path / "new" / "out"), "b")
    again = use(tmp_path / "new" / "out")
    assert again.keys() == {("b", "0", "")}
    assert OutputFolder(again.path, "two", COLUMNS, LESION_COLUMNS).keys() == set()


def test_a_run_killed_before_its_first_row_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        folder = OutputFolder(tmp_path, "one", COLUMNS, LESION_COLUMNS)
        folder.open(ORDER)
        folder.close()
    with pytest.raises(BundleError, match="--overwrite true"):
        OutputFolder(tmp_path, "two", COLUMNS, LESION_COLUMNS).open(ORDER)


@pytest.mark.parametrize(("digest", "overwrite"), [("one", False), ("one", True), ("two", False)])
def test_one_run_at_a_time(digest: str, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "_SECONDS_TO_WAIT", 0.1)
    running = OutputFolder(tmp_path, "one", COLUMNS, LESION_COLUMNS)
    running.open(ORDER)
    add(running, "a")
    with pytest.raises(BundleError, match=r"Another run is writing to .*--output_dir\.$") as refused:
        OutputFolder(tmp_path, digest, COLUMNS, LESION_COLUMNS).open(ORDER, overwrite)
    assert refused.value.exit_code == 2
    running.close()
    assert use(tmp_path).keys() == {("a", "0", "")}
    files = {"predictions.csv", "lesions.csv", "evidence.json", "summary.json"}
    assert {path.name for path in tmp_path.iterdir()} == files


def test_rows_without_an_input_any_more_are_dropped(tmp_path: Path) -> None:
    folder = use(tmp_path)
    for name in "ab":
        add(folder, name)
    assert use(tmp_path, order={("b", "0", ""): 0}).keys() == {("b", "0", "")}


def test_another_configuration_is_refused_or_overwrites(tmp_path: Path) -> None:
    add(use(tmp_path), "a")
    mask = tmp_path / "masks" / "a.png"
    mask.parent.mkdir()
    mask.touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(BundleError, match="--overwrite true") as refused:
        use(tmp_path, "two")
    assert refused.value.exit_code == 2 and mask.exists()
    assert use(tmp_path, "two", overwrite=True).keys() == set()
    assert not mask.exists() and (tmp_path / "notes.txt").exists()


def test_lesions_of_an_image_that_was_not_finished_are_written_once(tmp_path: Path, make_finding: Callable) -> None:
    """A run is killed after the lesions of an image and before its row, and after half a lesion."""
    mask = np.zeros((20, 20))
    mask[2:9, 2:9] = mask[15:18, 1:4] = 1
    finding, rows = make_finding(mask), [{"input": name, "frame": 0, "region": -1, "status": "ok"} for name in "abc"]
    folder = use(tmp_path)
    folder.append(rows[1], finding, "probability")
    folder.lesions.append(*lesion_rows(rows[0], finding.lesions, "probability"))
    with open(folder.lesions.path, "ab") as file:
        file.write(b"c,0,,0,mal")
    again = use(tmp_path)
    assert again.keys() == {("b", "0", "")}
    for row in (rows[2], rows[0]):
        again.append(row, finding, "probability")
    again.append({**rows[0], "input": "d", "status": "failed"}, None, "probability")
    again.put_in_order({**ORDER, ("d", "0", ""): 3})
    told = [(row["input"], row["lesion"], row["area_px"]) for row in again.lesions.rows()]
    assert told == [(name, *lesion) for name in "abc" for lesion in (("0", "49"), ("1", "9"))]
    assert [row["input"] for row in again.table.rows()] == list("abcd")


def test_a_damaged_summary_is_another_configuration(tmp_path: Path) -> None:
    add(use(tmp_path), "a")
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(BundleError):
        use(tmp_path)


def test_foreign_masks_are_neither_mixed_with_nor_removed(tmp_path: Path) -> None:
    own = tmp_path / "masks" / "mine.png"
    own.parent.mkdir()
    own.touch()
    with pytest.raises(BundleError):
        use(tmp_path)
    use(tmp_path, overwrite=True)
    assert own.exists()


def test_what_a_killed_run_left_half_written_goes(tmp_path: Path) -> None:
    folder = use(tmp_path)
    left = [tmp_path / ".summary.json.1.part", tmp_path / "masks" / "deep" / ".a.png.1.part"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder.open(ORDER)
    assert not any(path.exists() for path in left)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(BundleError, match="--output_dir") as refused:
            use(path)
        assert refused.value.exit_code == 2 and str(path) in str(refused.value)
