"""Every file of a folder ends with a status and a code, whatever it holds and whatever its decoder does."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless

from scripts.data.reasons import STATUS_OF_CODE

pytestmark = pytest.mark.slow

#: Stand-ins of three decoders, found before them: one that lacks, one that aborts, and one that hangs.
DECODERS = {
    "gdcm": "raise ImportError",
    "jpeg_ls": "import os\n__version__ = '1.5.1'\ndecode_pixel_data = lambda *_: os.abort()",
    "openjpeg": "import time\n__version__ = '2.6.0'\n"
    "def decode_pixel_data(*_, **__): time.sleep(600)\nencode_pixel_data = decode_pixel_data",
}


def test_every_odd_file_ends_with_the_code_that_names_it(
    odd_folder: dict[str, str], make_dicom: Callable[..., Dataset], save_dicom: Callable[..., str],
    make_region: Callable[..., Dataset], speckle: np.ndarray, tmp_path: Path,
    start: Callable[..., subprocess.Popen[str]], last_line: Callable[[str], str],
) -> None:  # fmt: skip
    """All codes that there are, in one run."""
    (tmp_path / "decoders").mkdir()
    for name, content in DECODERS.items():
        (tmp_path / "decoders" / f"{name}.py").write_text(content)
    expected = dict(odd_folder)
    for name, syntax, code in (
        ("no decoder", JPEGLosslessSV1, "DECODER_MISSING"),
        ("bad for the decoder", JPEGLSLossless, "DECODER_CRASHED"),
        ("long for the decoder", JPEG2000, "TIMEOUT"),
    ):
        dataset = make_dicom(speckle, PixelData=encapsulate([speckle.tobytes()]))
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        save_dicom(dataset, f"in/{name}")
        expected[name] = f"failed {code}"

    regions = [make_region(0, 0, 95, 79)]
    for name, pixels in (("one of two", speckle), ("two of two", speckle[::-1].copy())):
        save_dicom(make_dicom(pixels, SOPInstanceUID="1.2.3.4", SequenceOfUltrasoundRegions=regions), f"in/{name}")
        expected[name] = "ok UID_REUSED"
    save_dicom(make_dicom(np.stack([speckle, speckle + 1]), NumberOfFrames=1), "in/two frames")
    expected["two frames"] = "ok FRAME_COUNT"
    colored, jpeg = np.stack([speckle] * 3, axis=-1), io.BytesIO()
    Image.fromarray(colored).save(jpeg, "JPEG")  # in YCbCr
    labelled = make_dicom(colored, PixelData=encapsulate([jpeg.getvalue()]), SequenceOfUltrasoundRegions=regions)
    labelled["PixelData"].VR = "OB"
    labelled.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    save_dicom(labelled, "in/labelled RGB")
    expected["labelled RGB"] = "ok COLOR_LABEL"
    Image.fromarray(speckle.astype(np.uint16)).save(tmp_path / "in" / "dark picture.png")
    (tmp_path / "in" / "film.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST" + bytes(200))
    (tmp_path / "in" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    expected |= {"dark picture.png": "ok SCALE_ASSUMED", "film.avi": "skipped FILM"}
    expected[".DS_Store"] = "skipped COMPANION_FILE"

    stand_ins = {"PYTHONPATH": str(tmp_path / "decoders")}
    process = start("--max_frames", "3", "--decode_seconds", "5", environment=stand_ins)
    stdout, stderr = process.communicate(timeout=500)
    with open(tmp_path / "out" / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    outcomes = {row["input"]: f"{row['status']} {row['reason']}".split(";")[0].split(" ")[:2] for row in rows}
    assert {name: " ".join(outcome).strip() for name, outcome in outcomes.items()} == expected
    # The others need weights that know their images, and a site of colour: tests/findings/test_domain.py,
    # tests/test_adapter_workflow.py.
    elsewhere = {"OUT_OF_DOMAIN", "GRAY_IMAGE"}
    assert {outcome[1] for outcome in outcomes.values()} - {""} == set(STATUS_OF_CODE) - elsewhere
    keys = [(row["input"], row["frame"], row["region"]) for row in rows]
    assert len(set(keys)) == len(keys) == len(expected) + 1 + 2 + 1  # two regions, three frames, two frames

    counts = [sum(row["status"] == status for row in rows) for status in ("ok", "skipped", "failed")]
    assert process.returncode == 1
    words = "Not everything could be analysed: {} analysed, {} skipped, {} failed".format(*counts)
    assert last_line(stderr).startswith(words)
    assert not [name for name in ("Test^Case", "T1", *expected) if f'"{name}"' in stdout + stderr]
    reports = {path.stem for path in (tmp_path / "out" / "dicom_sr").iterdir()}
    for row in rows:
        analysed = row["status"] == "ok"
        assert bool(row["mask"]) == analysed
        if analysed:
            picture = "picture" in row["input"]
            mask = Path(row["mask"])
            assert (tmp_path / "out" / mask).is_file()
            assert (mask.stem in reports) == (not picture and row["input"] != "no study")
