"""Compressed DICOM frames, decoded in a child process with a time limit.

Codecs are C and C++ on data from anywhere: python-gdcm aborts the whole process on some damaged JPEG files, and
pyjpegls can compute for seconds on a few kilobytes. One child per process serves all requests and is started again when
it died.
Native pixel data stays in this process: no codec runs on it, only bytes whose number was checked are reshaped.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import UID

from scripts.data.limits import MAX_PIXELS
from scripts.data.reasons import ReadingProblem

from .header import DicomHeader
from .syntaxes import JPEG_EXTENDED, PLUGINS

_START_SECONDS = 60.0
_WORKER = Path(__file__).with_name("decode_worker.py")


def decode_frame(path: str, header: DicomHeader, frame: int, seconds: float) -> tuple[np.ndarray, str]:
    """Decode one frame in the child.

    Args:
        path: a DICOM file with file meta information.
        header: its header; the transfer syntax is a key of :data:`PLUGINS`.
        frame: 0-based.
        seconds: time limit for this frame.

    Returns:
        Pixels as stored, (rows, columns) or (rows, columns, 3), RGB where the file has YBR; and what a JPEG stream says
        of its colours, "RGB" or "YCbCr", or "" where it says nothing.

    Raises:
        ReadingProblem: PIXEL_DECODE_FAILED, DECODER_MISSING, DECODER_CRASHED or TIMEOUT.
    """
    syntax = header.transfer_syntax
    # Pillow reads JPEG Extended in its 8-bit form only.
    plugin = "gdcm" if syntax == JPEG_EXTENDED and int(header.dataset.BitsStored) > 8 else PLUGINS[syntax]
    request = {
        "path": path,
        "frame": frame,
        "frames": header.frames,
        "start": header.pixels.start if header.pixels else 0,
        "plugin": plugin,
        "photometric": header.photometric,
    }
    try:
        return _decoder(os.getpid()).decode(request, seconds)
    except ReadingProblem as problem:
        if problem.code != "DECODER_MISSING":
            raise
        raise ReadingProblem(problem.code, f"{UID(syntax).name}: pip install 'pydicom[pixeldata]'") from None


class _Decoder:
    """The child process and the talk with it."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def decode(self, request: dict[str, Any], seconds: float) -> tuple[np.ndarray, str]:
        with self._lock:
            if self._child is None or self._child.poll() is not None:
                self._start()
            answer, pixels = self._ask(json.dumps(request).encode() + b"\n", seconds)
        if code := answer.get("code"):
            raise ReadingProblem(code)
        return pixels.view(answer["dtype"]).reshape(answer["shape"]), answer["colors"]

    def _start(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(_WORKER)]
        self.close()
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._ask(b"", _START_SECONDS)  # the answer is "ready"

    def _ask(self, request: bytes, seconds: float) -> tuple[dict[str, Any], np.ndarray]:
        """Send a request and read its answer; the child is killed when the time is over."""
        child = self._child
        assert child is not None and child.stdin is not None and child.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            child.stdin.write(request)
            child.stdin.flush()
            answer = json.loads(child.stdout.readline())
            size = answer.get("bytes", 0)
            if size > 8 * MAX_PIXELS:
                raise ValueError(size)
            pixels = np.empty(size, np.uint8)
            if size and child.stdout.readinto(memoryview(pixels)) != size:
                raise EOFError
        except (OSError, ValueError, EOFError):  # a broken pipe, or half an answer: the child is gone
            self.close()
            raise ReadingProblem("TIMEOUT" if late.is_set() else "DECODER_CRASHED") from None
        finally:
            timer.cancel()
        return answer, pixels

    def close(self) -> None:
        """End the child, if it is this process's own and not that of the process it was forked from."""
        if self._child is not None and self._owner == os.getpid():
            self._child.kill()
            self._child.communicate()
            self._child = None


@functools.cache
def _decoder(process: int) -> _Decoder:
    """The decoder of this process: a forked data loader worker must not talk into its parent's pipes."""
    decoder = _Decoder()
    atexit.register(decoder.close)
    return decoder
