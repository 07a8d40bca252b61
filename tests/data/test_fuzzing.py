"""Damaged files: whatever bytes come, each file keeps its row, and nothing crashes, hangs or leaks."""

from __future__ import annotations

import io
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from scripts.data import LoadUltrasoundd, discover
from scripts.data.reasons import STATUS_OF_CODE

EXAMPLES = 700
SECONDS = 10.0
load = LoadUltrasoundd(record_failures=True, decode_seconds=SECONDS)


def make_files(make_dicom, make_region, compress_with_gdcm, folder: Path, speckle: np.ndarray) -> list[bytes]:
    """One small file of each kind."""
    files = []

    def add(dataset) -> None:
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        files.append(stream.getvalue())

    regions = [make_region(0, 0, 95, 79)]
    color = np.stack([speckle, 255 - speckle, speckle], axis=-1)
    for syntax in ("1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        add(make_dicom(speckle, syntax, SequenceOfUltrasoundRegions=regions, WindowCenter="90", WindowWidth="100"))
    palette = make_dicom(speckle, PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        palette.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        palette.add_new(f"{name}PaletteColorLookupTableData", "OW", (np.arange(256) * 257).astype("<u2").tobytes())
    add(palette)
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        for pixels in (color, np.stack([speckle, speckle])):
            compressed = make_dicom(pixels, SequenceOfUltrasoundRegions=regions)
            compressed.compress(syntax)
            add(compressed)
    stream = io.BytesIO()
    Image.fromarray(color).save(stream, "JPEG")
    files.append(stream.getvalue())
    baseline = make_dicom(color, PhotometricInterpretation="YBR_FULL_422", PixelData=encapsulate([stream.getvalue()]))
    baseline["PixelData"].VR = "OB"
    baseline.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    add(baseline)
    (folder / "native.dcm").write_bytes(files[0])
    files.append(Path(compress_with_gdcm(str(folder / "native.dcm"))).read_bytes())
    Image.fromarray(speckle).save(folder / "image.png")
    files.append((folder / "image.png").read_bytes())
    for name in ("image.nii", "image.nii.gz"):
        nibabel.Nifti1Image(speckle, np.eye(4)).to_filename(folder / name)
        files.append((folder / name).read_bytes())
    return files


def damage(data: bytes, edits: list[tuple[float, int]], cut: float) -> bytes:
    """Bytes replaced at relative positions, header and pixels alike, then an end cut off."""
    damaged = bytearray(data)
    for position, value in edits:
        # Headers are a small part of a file: every other edit goes to its first two kilobytes.
        place = int(position * min(len(data), 2048)) if value % 2 else int(position * len(data))
        damaged[place] = value // 2
    return bytes(damaged[: max(1, int(len(damaged) * cut))])


@pytest.mark.slow
def test_damaged_files_keep_their_rows(
    make_dicom, make_region, compress_with_gdcm, speckle, tmp_path, tmp_path_factory, capfd
):
    whole = make_files(make_dicom, make_region, compress_with_gdcm, tmp_path_factory.mktemp("whole"), speckle)
    names = ["file"] * (len(whole) - 2) + ["file.nii", "file.nii.gz"]
    for name, data in zip(names, whole, strict=True):
        (tmp_path / name).write_bytes(data)
        assert {load(item)["status"] for item in discover(tmp_path / name)} == {"ok"}
    outcomes: dict[str, int] = {}

    edits = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 511)), max_size=12)
    cuts = st.one_of(st.just(1.0), st.floats(0.0, 1.0))

    @seed(20261123)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(whole) - 1), edits, cuts)
    def check(number: int, edits: list[tuple[float, int]], cut: float) -> None:
        path = tmp_path / names[number]
        path.write_bytes(damage(whole[number], edits, cut))
        start = time.monotonic()
        items = discover(path, max_frames=3)
        assert items and {item["input"] for item in items} == {path.name}
        for item in items:
            loaded = load(item)
            code = loaded["reason"].split(" ")[0].rstrip(";")
            assert loaded["status"] == (STATUS_OF_CODE[code] if code else "ok") or code == "NOT_DICOM"
            assert loaded["image"].shape[0] in (1, 3) and bool(((loaded["image"] >= 0) & (loaded["image"] <= 1)).all())
            outcomes[code] = outcomes.get(code, 0) + 1
        assert time.monotonic() - start < (SECONDS + 2) * len(items)

    check()
    with capfd.disabled():
        print(dict(sorted(outcomes.items())))
    assert capfd.readouterr() == ("", "")
    assert sum(outcomes.values()) >= EXAMPLES
    assert {"TRUNCATED", "PIXEL_DECODE_FAILED", "NOT_DICOM"} <= set(outcomes)
