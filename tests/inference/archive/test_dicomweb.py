"""`run archive` from an archive over DICOMweb, with results stored there, against Orthanc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid

pytest.importorskip("pyarrow", reason="pyarrow (requirements-archive.txt) is not installed: the archive is not tested")
client_of = pytest.importorskip("dicomweb_client", reason="dicomweb-client is not installed").DICOMwebClient

from scripts.data.sources import dicomweb, open_source  # noqa: E402
from scripts.errors import BundleError  # noqa: E402

BUNDLE = Path(__file__).parents[3] / "bundle"
SEG, SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"
SAMPLES = sorted(path for path in (BUNDLE / "sample_data" / "dicom").rglob("*") if path.is_file())


def test_studies_are_found_page_by_page_analysed_and_their_results_stored(
    orthanc: str, tmp_path: Path, weights: dict[bool, Path], run: Any, run_over: Callable[..., tuple[int, str]],
    told: Callable[[Path], dict[str, Any]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(dicomweb, "_PAGE", 2)
    url = f"{orthanc}/dicom-web"
    client = client_of(url=url)
    sources = [pydicom.dcmread(path) for path in SAMPLES[:3]]
    for _ in range(3):  # a study of several images
        more = pydicom.dcmread(SAMPLES[0])
        more.SOPInstanceUID = more.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        more.PixelData = bytes(255 - byte for byte in more.PixelData)
        sources.append(more)
    client.store_instances(sources)
    for source in sources:
        path = tmp_path / "in" / source.StudyInstanceUID / source.SeriesInstanceUID / f"{source.SOPInstanceUID}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        source.save_as(path)

    settings = {"dicomweb_url": url, "send_to": url, "overlays": False, "evidence_figures": False}
    assert run_over(tmp_path / "out", weights[True], **settings)[0] == 0
    run(tmp_path / "in", tmp_path / "plain", weights[True], overlays=False, evidence_figures=False)
    found, expected = told(tmp_path / "out"), told(tmp_path / "plain")
    by_name = {row[0]: row for row in expected["predictions.csv"]}
    assert len(found["predictions.csv"]) == 7 and {row[0]: row for row in found["predictions.csv"]} == by_name
    stored = [one["00080016"]["Value"][0] for one in client.search_for_instances(limit=100)]
    written = len(list((tmp_path / "out" / "dicom_seg").rglob("*.dcm")))
    assert (len(stored), stored.count(SR), stored.count(SEG)) == (12 + written, 6, written)

    # What was stored is no new input.
    assert run_over(tmp_path / "out", weights[True], **settings)[0] == 0
    assert told(tmp_path / "out")["predictions.csv"] == found["predictions.csv"]


def test_an_archive_that_does_not_answer_or_holds_nothing_is_said(
    orthanc: str, tmp_path: Path, weights: dict[bool, Path], run_over: Callable[..., tuple[int, str]]
) -> None:
    url = f"{orthanc}/dicom-web"
    assert run_over(tmp_path / "out", weights[True], dicomweb_url=url) == (
        2, f'"{url}" lists no files. Check the address.',
    )  # fmt: skip
    assert not (tmp_path / "out").exists()
    with pytest.raises(BundleError, match='"http://127.0.0.1:9/dicom-web" cannot be reached'):
        next(iter(open_source(dicomweb_url="http://127.0.0.1:9/dicom-web").entries()))
