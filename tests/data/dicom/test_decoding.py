"""A codec that aborts, hangs or lacks costs one frame, and the next one is decoded."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom.uid import RLELossless

from scripts.data.dicom import decoding
from scripts.data.reasons import ReadingProblem

#: A child that behaves as the requested file's name says, on top of the real one.
CHILD = """
import os, sys, time
sys.path.insert(0, "")
sys.path.insert(1, {folder!r})
import decode_worker
decode = decode_worker._decode
def act(path, **request):
    name = os.path.basename(path)
    if name == "abort":
        os.abort()
    if name == "hang":
        time.sleep(600)
    if name == "devour":
        return bytearray(decode_worker.MEMORY_LIMIT), ""
    if name == "print":
        os.write(1, b"Doe^Jane\\n")
    return decode(path, **request)
decode_worker._decode = act
decode_worker.main()
"""


def decode(path: str, seconds: float) -> np.ndarray:
    dataset = SimpleNamespace(BitsStored=8)
    header = SimpleNamespace(
        transfer_syntax=RLELossless, dataset=dataset, frames=1, pixels=None, photometric="MONOCHROME2"
    )
    return decoding.decode_frame(path, header, 0, seconds)[0]


@pytest.fixture
def rle(make_dicom, save_dicom, speckle) -> str:
    dataset = make_dicom(speckle)
    dataset.compress(RLELossless)
    return save_dicom(dataset)


@pytest.fixture
def acting_child(monkeypatch, tmp_path):
    program = tmp_path / "child.py"
    program.write_text(CHILD.format(folder=str(Path(decoding.__file__).parent)))
    monkeypatch.setattr(decoding, "_WORKER", program)
    decoding._decoder(os.getpid()).close()
    yield
    decoding._decoder(os.getpid()).close()


@pytest.mark.parametrize(
    "act, code", [("abort", "DECODER_CRASHED"), ("hang", "TIMEOUT"), ("devour", "PIXEL_DECODE_FAILED")]
)
def test_a_codec_gone_wrong_costs_one_frame(acting_child, rle, speckle, act, code):
    with pytest.raises(ReadingProblem) as problem:
        decode(act, seconds=0.5)
    assert problem.value.code == code
    np.testing.assert_array_equal(decode(rle, seconds=30), speckle)


def test_what_a_codec_prints_does_not_disturb_and_goes_nowhere(acting_child, rle, speckle, capfd):
    talking = os.path.join(os.path.dirname(rle), "print")
    os.link(rle, talking)
    np.testing.assert_array_equal(decode(talking, seconds=30), speckle)
    assert capfd.readouterr() == ("", "")


def test_a_missing_plugin_is_named_with_its_syntax(rle, monkeypatch):
    monkeypatch.setitem(decoding.PLUGINS, RLELossless, "gdcm")
    with pytest.raises(ReadingProblem, match=r"^DECODER_MISSING RLE Lossless: pip install 'pydicom\[pixeldata\]'$"):
        decode(rle, seconds=30)


def test_one_child_serves_all_requests(rle):
    decode(rle, seconds=30)
    child = decoding._decoder(os.getpid())._child
    decode(rle, seconds=30)
    assert decoding._decoder(os.getpid())._child is child


def shape_in_a_fork(path: str) -> tuple[int, ...]:
    return decode(path, seconds=30).shape


def test_forked_workers_have_their_own_child(rle):
    """As data loader workers do: two at once, while the parent's child stays in use."""
    shape = decode(rle, seconds=30).shape
    child = decoding._decoder(os.getpid())._child
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert set(pool.map(shape_in_a_fork, [rle] * 8, chunksize=1)) == {shape}
    assert child.poll() is None
    assert decode(rle, seconds=30).shape == shape
