"""The child process that decodes compressed DICOM frames. Run as a program, by path; see ``decoding.py``.

It imports pydicom and its decoders alone, so that it starts in a fraction of a second and a codec that aborts, hangs
or takes all memory costs one frame. Requests come as JSON lines on stdin; each answer is a JSON line on stdout, then,
when ``bytes`` is there, that many bytes of pixels.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any, BinaryIO

MEMORY_LIMIT = 4 * 2**30  # address space in bytes: a header may claim, and a codec may allocate, anything


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    requests = os.fdopen(os.dup(0), "rb")
    with open(os.devnull, "r+b") as nowhere:  # codecs print to the standard streams, quoting what they read
        for stream in (0, 1, 2):
            os.dup2(nowhere.fileno(), stream)
    _limit_memory()
    warnings.simplefilter("ignore")
    sys.path.pop(0)  # this folder: its module names must not hide a library's
    sys.modules["dl"] = None  # type: ignore[assignment]  # gdcm imports "dl", a module gone since Python 3
    import numpy
    import pydicom  # noqa: F401  the first request should not wait for it

    _write(answers, {"ready": True})
    for line in requests:
        try:
            pixels = numpy.ascontiguousarray(_decode(**json.loads(line)))
            pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        except ImportError:
            _write(answers, {"code": "DECODER_MISSING"})
        except Exception:  # any codec's any error; its words stay here
            _write(answers, {"code": "PIXEL_DECODE_FAILED"})
        else:
            _write(answers, {"dtype": pixels.dtype.str, "shape": pixels.shape, "bytes": pixels.nbytes})
            answers.write(pixels.data)
        answers.flush()


def _decode(path: str, frame: int, plugin: str) -> Any:
    """One frame, (rows, columns) or (rows, columns, 3) with YBR_FULL turned into RGB."""
    try:
        from pydicom.pixels import get_decoder, pixel_array
    except ImportError:  # pydicom 2
        return _decode_with_pydicom_2(path, frame)
    from pydicom.filereader import read_file_meta_info

    if plugin not in get_decoder(read_file_meta_info(path).TransferSyntaxUID).available_plugins:
        raise ImportError(plugin)
    return pixel_array(path, index=frame, decoding_plugin=plugin)


def _decode_with_pydicom_2(path: str, frame: int) -> Any:
    import pydicom
    from pydicom.pixel_data_handlers.util import convert_color_space

    dataset = pydicom.dcmread(path, force=True)
    syntax = dataset.file_meta.TransferSyntaxUID
    handlers = pydicom.config.pixel_data_handlers
    if not any(handler.supports_transfer_syntax(syntax) and handler.is_available() for handler in handlers):
        raise ImportError(syntax)
    pixels = dataset.pixel_array
    pixels = pixels[frame] if int(dataset.get("NumberOfFrames") or 1) > 1 else pixels
    kind = dataset.PhotometricInterpretation
    return convert_color_space(pixels, kind, "RGB") if kind in ("YBR_FULL", "YBR_FULL_422") else pixels


def _write(stream: BinaryIO, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer).encode() + b"\n")
    stream.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY_LIMIT if hard == resource.RLIM_INFINITY else min(MEMORY_LIMIT, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # no dumps of patients


if __name__ == "__main__":
    main()
