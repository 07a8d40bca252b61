"""Result names: the contract's, and distinct whatever the inputs are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.inference.result_names import name_results


def item(name: str, frame: int = 0, region: int = -1) -> dict[str, Any]:
    return {"input": name, "frame": frame, "region": region}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a/b.dcm", "a/b"), ("b.PNG", "b"), ("b.jpeg", "b"), ("b.nii.gz", "b"), ("b.nii", "b"),
        ("1.2.840.7", "1.2.840.7"), ("1.2.840.7.dcm", "1.2.840.7"), ("b.tiff", "b.tiff"), ("x.y/IM1", "x.y/IM1"),
        ("b.gz", "b.gz"), ("b.png.dcm", "b.png"),
    ],
)  # fmt: skip
def test_known_suffixes_only_are_dropped(given: str, expected: str) -> None:
    assert name_results([item(given)]) == [expected]


def test_frames_and_regions_are_told() -> None:
    cine = [item("c.dcm", frame, region) for frame in (0, 12) for region in (0, 1)]
    assert name_results(cine) == ["c_f000_r0", "c_f000_r1", "c_f012_r0", "c_f012_r1"]
    assert name_results([item("c.dcm", 15)]) == ["c_f015"]  # the middle frame only
    assert name_results([item("c.dcm", 0, 0)]) == ["c_r0"]


def test_colliding_inputs_keep_their_full_names() -> None:
    items = [item("a.dcm"), item("a.png"), item("b.png"), item("sub/a.png")]
    assert name_results(items) == ["a.dcm", "a.png", "b", "sub/a"]


def test_names_stay_distinct_however_inputs_collide() -> None:
    items = [
        item("a.dcm"), item("a.png"), item("a.dcm.dcm"),  # full and stripped names meet
        item("c.dcm", 0), item("c.dcm", 1), item("c_f001.png"),  # a frame's name and an input's
        item("d"), item("d.png/e.png"),  # a file where a folder must be
        item("f", 0), item("f", 1), item("f_f001", 0),  # no suffix to keep
    ]  # fmt: skip
    names = name_results(items)
    assert len(set(names)) == len(items)
    folders = {str(parent) for name in names for parent in Path(name).parents}
    assert not folders & {f"{name}.png" for name in names}


def test_names_fit_the_disk(tmp_path: Path) -> None:
    long = [item("x" * 251 + ".dcm"), item("x" * 250 + "y.dcm"), item("é" * 125 + ".dcm")]
    names = name_results(long)
    assert len(set(names)) == 3
    for name in names:
        (tmp_path / f".{name}.png.123456.part").touch()
