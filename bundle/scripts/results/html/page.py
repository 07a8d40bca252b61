"""report.html from a run's overview and its rows, in parts, so that no part of it grows with the run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.writing.notice import NOTE

from .explanations import explain, statements

_HERE = Path(__file__).parent
_BYTES = 65536


@dataclass(frozen=True)
class PageRow:
    """One row of predictions.csv as the page shows it; what is not known is None.

    Attributes:
        number: of the row, from 1.
        name: what the image is called on the page.
        study: of the image; "" where not known.
        status: ok, skipped or failed.
        reason: notes on the input, as in predictions.csv.
        diagnosis: a class of the site, or its word for no lesion; "" where there is none.
        probability: of the positive class, 0..1.
        indeterminate: whether the diagnosis is not to be trusted; None where that was never fitted.
        reliability: of the mask, 0..1.
        size: area_px, area_mm2, long_axis_mm, short_axis_mm.
        disagree: whether the views of the study disagree.
        results: relative path of the row's results without folder and suffix.
        files: letters of the files that exist: (o)verlay, (m)ask, (e)vidence, se(g)mentation, (s)tructured report,
            (p)icture of a page without names.
        lesions: columns of lesions.csv by name, for each lesion.
        strip: path of the picture of its cine, relative to the page; "" without one.
    """

    number: int
    name: str
    study: str
    status: str
    reason: str
    diagnosis: str
    probability: float | None
    indeterminate: bool | None
    reliability: float | None
    size: tuple[float | None, ...]
    disagree: bool
    results: str
    files: str
    lesions: Sequence[Mapping[str, str]]
    strip: str = ""


@dataclass(frozen=True)
class Overview:
    """What the page's top says.

    Attributes:
        summary: of the run, as in summary.json.
        names: whether the page tells names of files.
        diagnoses: analysed images by diagnosis.
        indeterminate: how many of them are.
        reasons: rows by status and code of their reason.
        inputs: how many files were analysed.
    """

    summary: Mapping[str, Any]
    names: bool
    diagnoses: Mapping[str, int]
    indeterminate: int
    reasons: Mapping[tuple[str, str], int]
    inputs: int


def page_parts(overview: Overview, rows: Iterable[PageRow]) -> Iterator[bytes]:
    """The page, UTF-8, in parts of some 64 KiB.

    Args:
        overview: for its top.
        rows: read one by one, while the page is made.
    """
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    # As the tables have them: a lexicon has its own order of terms.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    site = overview.summary["site"]
    probability = site["probability"].replace("_", " ")
    about = {
        "fields": [field.name for field in fields(PageRow)],
        "names": overview.names,
        "probability": probability,
        "positive": site.get("positive", ""),
        "none": site.get("none", "none"),
        "calibrated": overview.summary["calibrated"],
        "reasons": {code: explain(code) for _, code in overview.reasons},
    }
    template = environment.get_template("page.html").generate(
        overview=overview, summary=overview.summary, site=site, about=about, note=NOTE, probability=probability,
        statements=statements(probability, site.get("positive", ""), overview.summary["calibrated"]), explain=explain,
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")), script=Markup(script), digest=digest,
        rows=map(astuple, rows),
    )  # fmt: skip
    held: list[str] = []
    length = 0
    for part in template:
        held.append(part)
        length += len(part)
        if length > _BYTES:
            yield "".join(held).encode()
            held, length = [], 0
    yield "".join(held).encode()
