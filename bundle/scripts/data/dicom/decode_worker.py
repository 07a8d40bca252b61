"""The child process that decodes compressed DICOM frames. Run as a program, by path; see ``decoding.py``.

It imports pydicom and its decoders alone, so that it starts in a fraction of a second and a codec that aborts, hangs
or takes all memory costs one frame. Requests come as JSON lines on stdin; each answer is a JSON line on stdout, then,
when ``bytes`` is there, that many bytes of pixels.
"""

from __future__ import annotations

import io
import itertools
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
            pixels, colors = _decode(**json.loads(line))
            pixels = numpy.ascontiguousarray(pixels)
            pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        except ImportError:
            _write(answers, {"code": "DECODER_MISSING"})
        except Exception:  # any codec's any error; its words stay here
            _write(answers, {"code": "PIXEL_DECODE_FAILED"})
        else:
            about = {"dtype": pixels.dtype.str, "shape": pixels.shape, "bytes": pixels.nbytes, "colors": colors}
            _write(answers, about)
            answers.write(pixels.data)
        answers.flush()


def _decode(path: str, frame: int, frames: int, start: int, plugin: str, photometric: str) -> tuple[Any, str]:
    """One frame, (rows, columns) or (rows, columns, 3) in RGB, and what a JPEG stream says of its colours."""
    if plugin == "pillow":
        return _decode_jpeg(path, frame, frames, start, photometric)
    try:
        from pydicom.pixels import get_decoder, pixel_array
    except ImportError:  # pydicom 2
        return _decode_with_pydicom_2(path, frame, frames), ""
    from pydicom.filereader import read_file_meta_info

    if plugin not in get_decoder(read_file_meta_info(path).TransferSyntaxUID).available_plugins:
        raise ImportError(plugin)
    return pixel_array(path, index=frame, decoding_plugin=plugin, number_of_frames=frames), ""


def _decode_jpeg(path: str, frame: int, frames: int, start: int, photometric: str) -> tuple[Any, str]:
    """A JPEG stream tells its colours itself, and libjpeg knows how; the header's word is for what it cannot tell."""
    import numpy
    from PIL.JpegImagePlugin import JpegImageFile

    with open(path, "rb") as file:
        file.seek(start)
        stream = _jpeg_frame(file, frame, frames)
    with JpegImageFile(io.BytesIO(stream)) as picture:
        if picture.mode == "L":
            return numpy.asarray(picture), ""
        if picture.mode != "RGB":
            raise ValueError(picture.mode)
        colors, told = _jpeg_colors(picture, photometric)
        if colors == "RGB" and not told:  # libjpeg would convert
            picture.draft("YCbCr", picture.size)  # leaves the components as they are
        return numpy.asarray(picture), colors


def _jpeg_colors(picture: Any, photometric: str) -> tuple[str, bool]:
    """RGB or YCbCr, and whether the stream says so, as libjpeg reads its markers and component ids (jdapimin.c)."""
    ids, factors = zip(*((layer[0], layer[1:3]) for layer in picture.layer), strict=True)
    if "jfif" in picture.info:
        return "YCbCr", True
    if "adobe_transform" in picture.info:
        return ("YCbCr" if picture.info["adobe_transform"] else "RGB"), True
    if bytes(ids) in (b"\1\2\3", b"RGB"):
        return ("RGB" if bytes(ids) == b"RGB" else "YCbCr"), True
    if len(set(factors)) > 1:  # only chroma is subsampled
        return "YCbCr", True
    return ("RGB" if photometric == "RGB" else "YCbCr"), False


def _jpeg_frame(file: BinaryIO, frame: int, frames: int) -> bytes:
    """One frame's stream; the file stands at the offset table."""
    try:
        from pydicom.encaps import get_frame
    except ImportError:  # pydicom 2
        from pydicom.encaps import generate_pixel_data_frame

        return next(itertools.islice(generate_pixel_data_frame(file.read(), frames), frame, None))
    return get_frame(file, frame, number_of_frames=frames)


def _decode_with_pydicom_2(path: str, frame: int, frames: int) -> Any:
    import pydicom
    from pydicom.pixel_data_handlers.util import convert_color_space

    dataset = pydicom.dcmread(path, force=True)
    syntax = dataset.file_meta.TransferSyntaxUID
    handlers = pydicom.config.pixel_data_handlers
    if not any(handler.supports_transfer_syntax(syntax) and handler.is_available() for handler in handlers):
        raise ImportError(syntax)
    dataset.NumberOfFrames = frames
    pixels = dataset.pixel_array
    pixels = pixels[frame] if frames > 1 else pixels
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
