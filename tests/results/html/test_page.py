"""The page is safe whatever a file is called, explains what it says, and can be read by everyone."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.data.reasons import STATUS_OF_CODE
from scripts.results.html import Overview, PageRow, page_parts
from scripts.results.html.explanations import explain
from scripts.results.overlay import draw_overlay, without_caption

CSS = Path(__file__).parents[3] / "bundle" / "scripts" / "results" / "html" / "page.css"
SUMMARY = {
    "site": {"name": "breast_ultrasound", "title": "breast <ultrasound>", "probability": "malignancy_probability",
             "positive": "malignant", "none": "none"},
    "calibrated": True, "finished": True, "ended": "2026-01-02T03:04:05+00:00", "rows": 1, "versions": {"bundle": "1"},
    "weights_sha256": "0" * 64, "counts": {"status": {"ok": 1}},
}  # fmt: skip
WICKED = '</script><script>alert("x")</script>\'"&Grün\u2028/../a b#?%41.png'


class Scripts(HTMLParser):
    """What a browser takes for the content of each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.contents: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self._inside = tag == "script"
        self.contents += [""] if self._inside else []

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.contents[-1] += data


def make_row(number: int = 1, name: str = "a.png", **changes: Any) -> PageRow:
    told = {
        "study": "s", "status": "ok", "reason": "", "diagnosis": "malignant", "probability": 0.9,
        "indeterminate": False, "reliability": 0.8, "size": (9.0, None, None, None), "disagree": False, "results": name,
        "files": "om", "lesions": [], **changes,
    }  # fmt: skip
    return PageRow(number, name, **told)


def make_page(*rows: PageRow, names: bool = True, **changes: Any) -> str:
    overview = Overview({**SUMMARY, **changes}, names, {"malignant": 1}, 0, {("failed", WICKED): 1}, 1)
    return b"".join(page_parts(overview, rows)).decode()


def test_no_name_becomes_code() -> None:
    row = make_row(name=WICKED, study=WICKED, reason=WICKED, lesions=[{"sentence": WICKED}])
    page = make_page(row)
    about, rows, code = Scripts(page).contents
    told = dict(zip(json.loads(about)["fields"], json.loads(rows)[0], strict=True))
    assert told["name"] == told["study"] == told["results"] == told["lesions"][0]["sentence"] == WICKED
    assert "alert(" not in code and "<script>alert" not in page and "&lt;ultrasound&gt;" in page


def test_the_page_asks_nothing_of_any_network() -> None:
    page = make_page(make_row())
    assert not re.search(r"(src|href)=[\"']?(https?:)?//|@import|url\(", page)
    assert "default-src 'none'" in page and "innerHTML" not in page


@pytest.mark.parametrize("rows", [0, 1])
def test_rows_are_json_however_few(rows: int) -> None:
    assert len(json.loads(Scripts(make_page(*[make_row()] * rows)).contents[1])) == rows


def test_what_is_not_calibrated_or_not_finished_is_said() -> None:
    assert "weights are not calibrated" in make_page(calibrated=False)
    assert "weights are not calibrated" not in make_page()
    assert "has not finished" in make_page(finished=False) and "has not finished" not in make_page()


def test_every_code_of_a_reason_has_words() -> None:
    assert [code for code in STATUS_OF_CODE if explain(code) == code] == []


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(count: int) -> int:
        def rows() -> Iterator[PageRow]:
            for number in range(count):
                yield make_row(number, f"folder/{number}.png")

        tracemalloc.start()
        overview = Overview(SUMMARY, True, {}, 0, {}, 1)
        assert sum(map(len, page_parts(overview, rows()))) > 100 * count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(20_000) < peak(1_000) + 500_000


def test_a_picture_without_its_caption_is_the_picture(site: Any, make_finding: Any) -> None:
    for height, width in ((90, 130), (600, 1500), (700, 300)):
        mask = np.zeros((height, width), np.uint8)
        mask[20:40, 30:60] = 1
        overlay = draw_overlay(np.full((1, height, width), 90, np.uint8), mask, make_finding(mask), site)
        picture = without_caption(overlay)
        factor = picture.height // height
        assert picture.height == factor * height and np.asarray(picture)[-1, picture.width // 2].tolist() == [90] * 3


def test_words_stand_out_from_their_background() -> None:
    """WCAG 2.2 AA: 4.5 to 1."""

    def luminance(color: str) -> float:
        digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
        parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    themes = re.findall(r":root \{(.*?)\}", CSS.read_text(), flags=re.DOTALL)
    assert len(themes) == 3  # light, dark, print
    for theme in themes:
        colors = dict(re.findall(r"--([\w-]+): (#\w+)", theme))
        grounds = [(text, ground) for text in ("text", "faint", "accent") for ground in ("page", "sheet", "mark")]
        badges = [(name, f"{name}-back") for name in ("positive", "other", "none", "doubt")]
        for text, ground in grounds + badges:
            bright, dark = sorted((luminance(colors[text]), luminance(colors[ground])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
