"""report.html of a folder of results: whole, without names where they are not wanted, and usable in a browser."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scripts.errors import BundleError
from scripts.inference.html_report import main, write_report
from scripts.inference.tables.predictions import PredictionTable, table_columns
from scripts.results.overlay import draw_overlay
from scripts.writing.drawing import png_bytes

PROBABILITY = "malignancy_probability"
WICKED = "Grün & <script>alert('1')</script>/\"a\" #1?%41"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
#: The last two wait for pictures.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --run-all-compositor-stages-before-draw --virtual-time-budget=4000"
).split()
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")


def make_row(name: str, probability: float | None = None, **changes: Any) -> dict[str, Any]:
    diagnosis = "none" if probability is None else "malignant" if probability >= 0.5 else "benign"
    stem = name.rsplit(".", 1)[0]
    return {
        "input": name, "frame": "0", "region": "", "sop_instance_uid": "1.2.3.77", "status": "ok", "reason": "",
        "lesion_found": probability is not None, "diagnosis": diagnosis, PROBABILITY: probability,
        "indeterminate": False, "reliability": 0.8, "area_px": 600, "mask": f"masks/{stem}.png",
        "overlay": f"overlays/{stem}.png", **changes,
    }  # fmt: skip


def failed(name: str) -> dict[str, Any]:
    return {"input": name, "frame": "0", "region": "", "status": "failed", "reason": "TRUNCATED the header is cut"}


@pytest.fixture
def fill(tmp_path: Path, site: Any, make_finding: Callable[..., Any]) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """``fill(rows)``: a folder with these results, their files included, and its summary."""

    def make(rows: Sequence[dict[str, Any]], tables: dict[str, str] | None = None) -> tuple[Path, dict[str, Any]]:
        table = PredictionTable(tmp_path / "predictions.csv", table_columns(PROBABILITY))
        table.start(rows)
        mask = np.zeros((90, 130), np.uint8)
        mask[20:40, 30:60] = 1
        overlay = draw_overlay(np.full((1, 90, 130), 90, np.uint8), mask, make_finding(mask), site)
        for row in rows:
            if row["status"] == "ok":
                stem = row["mask"].removeprefix("masks/").removesuffix(".png")
                for kind in ("masks/{}.png", "overlays/{}.png", "evidence/{}.png", "dicom_sr/{}.dcm"):
                    path = tmp_path / kind.format(stem)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(png_bytes(overlay))
        for name, text in (tables or {}).items():
            (tmp_path / name).write_text(text)
        summary = {
            "site": {"name": "s", "title": "t", "probability": PROBABILITY, "positive": "malignant", "none": "none"},
            "calibrated": True, "finished": True, "ended": "2026-01-02T03:04:05+00:00", "rows": len(rows),
            "versions": {"bundle": "1"}, "weights_sha256": "0" * 64, "counts": table.counts(),
        }  # fmt: skip
        (tmp_path / "summary.json").write_text(json.dumps(summary))
        return tmp_path, summary

    return make


def read_rows(page: Path) -> list[dict[str, Any]]:
    scripts = re.findall(r'<script type="application/json" id="\w+">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    about, rows = map(json.loads, scripts)
    return [dict(zip(about["fields"], row, strict=True)) for row in rows]


def browse(page: Path, script: str = "", address: str = "", **environment: Any) -> str:
    """The page as a browser shows it, after a script has used it; ``said(x)`` in it adds to the page's ``<output>``."""
    shown = page
    if script:
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
        driver = (
            "<output></output><script>const all = (s) => [...document.querySelectorAll(s)], one = (s) => all(s)[0];"
            "const said = (x) => { one('output').append(JSON.stringify(x) + '\\n'); };"
            "const key = (k) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: k, bubbles: true}));"
            "const set = (s, v) => { one(s).value = v; one(s).dispatchEvent(new Event('input', {bubbles: true})); };"
            "const names = () => all('#table tbody td.name button').map((b) => b.textContent);"
            f"{script}</script></body>"
        )
        shown = page.with_name("driven.html")
        shown.write_text(text.replace("</body>", driver))
    return run_chromium(page.parent, "--dump-dom", shown.as_uri() + address)


def run_chromium(folder: Path, *arguments: str) -> str:
    profile = folder / f"profile-{threading.get_ident()}"
    ended = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *arguments], capture_output=True, text=True, timeout=300
    )
    shutil.rmtree(profile, ignore_errors=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spoken(dom: str) -> list[Any]:
    words = re.search(r"<output>(.*?)</output>", dom, re.DOTALL)
    assert words, "the script has not ended"
    plain = words[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return [json.loads(line) for line in plain.splitlines()]


ROWS = [
    make_row("p1/b.png", 0.2), make_row("p1/a10.png", 0.9, indeterminate=True), make_row("p2/a9.png"), failed("p2/x"),
]  # fmt: skip


def test_lesions_and_studies_are_joined_whatever_their_order(fill: Callable[..., Any]) -> None:
    lesions = "input,frame,region,lesion,sentence\np1/a10.png,0,,0,round\np1/b.png,0,,0,oval\np1/b.png,0,,1,tiny\n"
    studies = "study,input,views_disagree\n1.2.9,,true\n1.2.9,p1/b.png,\n"
    folder, summary = fill(ROWS, {"lesions.csv": lesions, "studies.csv": studies})
    rows = read_rows(write_report(folder, summary))
    assert [[one["sentence"] for one in row["lesions"]] for row in rows] == [["oval", "tiny"], ["round"], [], []]
    assert [row["study"] for row in rows] == ["1.2.9", "p1", "p2", "p2"]
    assert [row["disagree"] for row in rows] == [True, False, False, False]
    assert [row["files"] for row in rows] == ["omes"] * 3 + [""]


def test_the_strip_of_a_cine_is_told_with_each_of_its_frames(fill: Callable[..., Any]) -> None:
    rows = [
        make_row("p/c.dcm", 0.2, frame=n, mask=f"masks/p/c_f00{n}.png", overlay=f"overlays/p/c_f00{n}.png")
        for n in "01"
    ]
    folder, summary = fill([*rows, make_row("p/d.png", 0.2)])
    (folder / "strips/p").mkdir(parents=True)
    for name in ("c", "d"):
        (folder / f"strips/p/{name}.png").write_bytes(b"")
    assert [row["strip"] for row in read_rows(write_report(folder, summary))] == ["strips/p/c.png"] * 2 + [""]
    assert not any(row["strip"] for row in read_rows(write_report(folder, summary, names=False)))


def test_without_names_nothing_tells_a_name(fill: Callable[..., Any]) -> None:
    secrets = ("Meier", "4711", "1.2.3.77", "dicom_sr", "masks/", "overlays/")
    rows = [make_row("Meier^Anna/4711.png", 0.9), failed("Meier^Anna/x"), make_row("Meier/4711b.png")]
    lesions = "input,frame,region,lesion,mask,crop,sentence\n"
    lesions += "Meier^Anna/4711.png,0,,0,masks/4711.png,Meier^Anna/4711-1,round\n"
    studies = "study,input,views_disagree\nMeier^Anna/,Meier^Anna/4711.png,true\n"
    folder, summary = fill(rows, {"lesions.csv": lesions, "studies.csv": studies})
    page = write_report(folder, summary, names=False)
    told = read_rows(page)
    data = json.dumps(told) + page.read_text("utf-8").split('id="about"')[0]
    assert [secret for secret in secrets if secret in data] == []
    assert [row["name"] for row in told] == ["Image 1", "Image 2", "Image 3"]
    assert [row["study"] for row in told] == ["Study 1", "Study 1", "Study 2"]
    assert told[0]["lesions"] == [{"frame": "0", "region": "", "lesion": "0", "sentence": "round"}]
    pictures = sorted(path.name for path in (folder / "report_pictures").iterdir())
    assert pictures == ["000001.jpg", "000003.jpg"]
    with Image.open(folder / "report_pictures" / "000001.jpg") as picture:
        assert picture.size == (420, 270) and not picture.getexif()  # without the caption below
    write_report(folder, summary)
    assert not (folder / "report_pictures").exists()


def test_a_table_of_failures_alone_is_a_page(fill: Callable[..., Any]) -> None:
    folder, summary = fill([failed(f"{number}") for number in range(5000)])
    page = write_report(folder, summary)
    assert len(read_rows(page)) == 5000 and page.stat().st_size < 1_000_000
    top = page.read_text("utf-8").split('id="about"')[0]
    assert "Nothing could be analysed" in top and "<td>5000</td><td>failed</td><td>The file is cut short" in top


def test_what_was_skipped_is_counted_by_its_reason_and_not_by_notes(fill: Callable[..., Any]) -> None:
    told = "OUT_OF_DOMAIN unlike the images that the network knows; SPACING_UNKNOWN"
    folder, summary = fill([{**failed("a"), "status": "skipped", "reason": told}])
    top = write_report(folder, summary).read_text("utf-8").split('id="about"')[0]
    assert "<code>OUT_OF_DOMAIN</code>" in top and "SPACING_UNKNOWN" not in top


def test_the_command_writes_the_page_of_a_finished_folder(
    fill: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = fill(ROWS)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    for arguments, name in (([], "p1/b.png"), (["--report_names", "false"], "Image 1")):
        monkeypatch.setattr(sys, "argv", ["html_report", str(folder), *arguments])
        main()
        assert read_rows(folder / "report.html")[0]["name"] == name
    monkeypatch.setattr(sys, "argv", ["html_report", str(folder / "masks")])
    with pytest.raises(BundleError, match="holds no results"):
        main()


def test_a_resumed_run_has_a_whole_page(archive: Path, tmp_path: Path, weights: Any, run: Any, make: Any) -> None:
    out = tmp_path / "out"
    assert run(archive, out, weights[True])[0] == 1
    whole = read_rows(out / "report.html")
    table = (out / "predictions.csv").read_text().splitlines(keepends=True)
    assert len(whole) == len(table) - 1 and {row["status"] for row in whole} == {"ok", "skipped", "failed"}
    (out / "predictions.csv").write_text("".join(table[:3]) + table[3][:20])  # as a killed run leaves it
    resumed = make(archive, out, weights[True])
    resumed.parser.get_parsed_content("writer").open()
    assert not (out / "report.html").exists()
    resumed.parser.get_parsed_content("writer").folder.close()
    run(archive, out, weights[True])
    assert read_rows(out / "report.html") == whole
    run(archive, out, weights[True], report="false")
    assert not (out / "report.html").exists()
    run(archive, out, weights[True], report_names="false")
    assert read_rows(out / "report.html")[0]["name"] == "Image 1"


@needs_browser
def test_images_are_sorted_filtered_and_opened(fill: Callable[..., Any]) -> None:
    folder, summary = fill(ROWS)
    script = """
    said(names());
    one('th[data-sort=name] button').click(); said(names()); said(one('th[data-sort=name]').ariaSort);
    one('th[data-sort=probability] button').click(); said(names());
    set('#from', '0.5'); said(names()); one('#reset').click();
    set('#flag', 'indeterminate'); said(names()); set('#flag', 'TRUNCATED'); said(names()); set('#flag', '');
    one('.tiles [data-result=benign]').click(); said(names()); one('#reset').click();
    set('#study', 'p2'); said(names()); said(one('#shown').textContent); one('#reset').click();
    all('#table tbody tr')[1].click(); said(one('#card h2').textContent); said(one('#card img').alt);
    key('j'); key('ArrowDown'); said(one('#card').textContent.includes('The file is cut short'));
    key('k'); key('ArrowUp');
    said(one('#card h2').textContent); key('e'); said(one('#card .evidence').open);
    key('v'); said(all('#cards article').length); said(location.hash);
    """
    assert spoken(browse(write_report(folder, summary), script)) == [
        ["b.png", "a10.png", "a9.png", "x"],
        ["a10.png", "b.png", "a9.png", "x"], "ascending",
        ["a10.png", "b.png", "a9.png", "x"],
        ["a10.png"],
        ["a10.png"], ["x"],
        ["b.png"],
        ["a9.png", "x"], "2 of 4 images (study p2)",
        "a10.png", "p1/a10.png: lesion outlined, malignant, malignancy probability 0.90, indeterminate",
        True,
        "a10.png", True,
        4, "#row=2&cards=1",
    ]  # fmt: skip


@needs_browser
def test_pictures_of_any_name_are_shown_and_a_view_is_kept_in_the_address(fill: Callable[..., Any]) -> None:
    """As shipped, with its policy: nothing but its own script runs."""
    folder, summary = fill([make_row(f"{WICKED}.png", 0.9), make_row("b.png", 0.1)])
    dom = browse(write_report(folder, summary), address="#cards=1&sort=probability")
    cards = re.findall(r"<article.*?</article>", dom, re.DOTALL)
    assert len(cards) == 2 and ">b.png</h2>" in cards[0] and "&lt;script&gt;alert" in cards[1]
    assert "".join(cards).count('<img loading="lazy"') == 2
    shutil.rmtree(folder / "overlays" / "Grün & <script>alert('1')<")
    dom = browse(folder / "report.html", address="#cards=1&sort=probability")
    assert dom.split("<script")[0].count("does not lie beside this page") == 1


@needs_browser
def test_the_page_is_printed(fill: Callable[..., Any]) -> None:
    folder, summary = fill([make_row(f"{number}.png", 0.9) for number in range(12)])
    page = write_report(folder, summary)
    run_chromium(folder, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'out.pdf'}", page.as_uri() + "#cards=1")
    printed = (folder / "out.pdf").read_bytes()
    assert printed.count(b"/Type /Page\n") >= 2 and printed.count(b"/Subtype /Image") >= 1


@needs_browser
def test_ten_thousand_images_open_quickly(fill: Callable[..., Any]) -> None:
    folder, summary = fill([failed("first")])
    rows = [make_row(f"patient {number:05d}/us.dcm", number / 10_000) for number in range(10_000)]
    PredictionTable(folder / "predictions.csv", table_columns(PROBABILITY)).start(rows)
    page = write_report(folder, {**summary, "rows": 10_000})
    assert page.stat().st_size < 4_000_000
    before = seconds_of_children()
    dom = browse(page, "set('#from', '0.5'); said(one('#shown').textContent)")
    assert spoken(dom) == ["5000 of 10000 images (from 0.5), 1 to 50 on this page"]
    assert seconds_of_children() - before < 8  # of processors, since other work may keep the browser waiting
