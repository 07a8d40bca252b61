"""Picture files opened by what they hold: format by content, upright, untouched by their metadata."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from scripts.data.file_kinds import file_head, picture_format
from scripts.data.limits import MAX_PIXELS, check_size
from scripts.data.reasons import ReadingProblem
from scripts.quiet import quiet_libraries

from .deep_png import deep_pixels
from .metadata import jpeg_without_metadata, png_without_metadata

#: Formats that can hold several frames or pages; of a PNG only one with this chunk, which stands before its pixels.
_SEVERAL, _ANIMATED_PNG = ("GIF", "TIFF", "WEBP"), b"acTL"
_BITS_PER_SAMPLE, _WHITE_IS_ZERO, _PHOTOMETRIC = 258, 0, 262  # TIFF tags
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def open_picture(path: str, frame: int = 0) -> Iterator[Image.Image]:
    """Open a picture, its pixels not decoded yet; what Pillow raises inside becomes a reading problem.

    Args:
        path: a file of one of the formats of :func:`scripts.data.file_kinds.picture_format`.
        frame: of an animation or a file of several pages, 0-based.

    Raises:
        ReadingProblem: TRUNCATED, PIXEL_DECODE_FAILED or UNUSABLE_IMAGE.
    """
    try:
        with quiet_libraries(), _open(path) as picture:
            if frame:
                picture.seek(frame)
            check_size(picture.height, picture.width)
            yield picture
    except ReadingProblem:
        raise
    except Image.DecompressionBombError:
        raise ReadingProblem("UNUSABLE_IMAGE", f"more than {MAX_PIXELS} pixels") from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, ... on broken files
        code = "TRUNCATED" if "truncated" in str(error) else "PIXEL_DECODE_FAILED"
        raise ReadingProblem(code) from None


def _open(path: str) -> Image.Image:
    kind = picture_format(file_head(path))
    if kind in ("PNG", "JPEG"):
        with open(path, "rb") as file:
            data = file.read()
        if kind == "PNG":
            return Image.open(io.BytesIO(png_without_metadata(data)), formats=(kind,))
        return JpegImageFile(io.BytesIO(jpeg_without_metadata(data)))  # Image.open would search for further pictures
    return Image.open(path, formats=(kind,))


def count_pictures(path: str) -> int:
    """Frames or pages of a picture file; 1 where they cannot be counted, and reading it tells why.

    Most files are not opened: their format has but one.
    """
    head = file_head(path)
    if picture_format(head) not in _SEVERAL and _ANIMATED_PNG not in head:
        return 1
    try:
        with open_picture(path) as picture:
            return max(1, getattr(picture, "n_frames", 1))
    except ReadingProblem:
        return 1


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its orientation tag says. TIFF files are turned by Pillow itself."""
    method = _ORIENTATIONS.get(_orientation(picture))
    return picture if method is None else picture.transpose(method)


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Rows and columns of the upright picture."""
    return (picture.width, picture.height) if _orientation(picture) >= 5 else (picture.height, picture.width)


def pixels_of(picture: Image.Image) -> np.ndarray | None:
    """Upright pixels of more than 8 bits, which Pillow would clip or halve on its way to gray or colour.

    Returns:
        (H, W) or (H, W, C), C = 2 and 4 with alpha; uint16, int32 or float32. None for pictures of 8 bits and less.

    Raises:
        ReadingProblem: PIXEL_DECODE_FAILED, colour of 16 bits in a TIFF, of which Pillow keeps half.
    """
    if picture.format == "PNG" and (deep := deep_pixels(picture)) is not None:
        return _turned(deep, picture)
    if picture.mode in ("F", "I") or picture.mode.startswith("I;16"):
        values = np.asarray(upright(picture))
        values = values if picture.mode in ("F", "I") else values.astype(np.uint16)
        tags = getattr(picture, "tag_v2", {})
        is_inverse = picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return 65535 - values if is_inverse else values
    if max(getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))) > 8:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "colour of 16 bits in a TIFF, save it as PNG")
    return None


def _orientation(picture: Image.Image) -> int:
    """1 (upright) where the tag is missing, and where anything about the metadata is odd."""
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever another tag holds
        return 1
    return orientation if orientation in _ORIENTATIONS else 1


def _turned(values: np.ndarray, picture: Image.Image) -> np.ndarray:
    method = _ORIENTATIONS.get(_orientation(picture))
    if method is None:
        return values
    # Pillow turns single channels; each keeps its 16 bits in a 32-bit one.
    turned = [Image.fromarray(values[..., i].astype(np.int32)).transpose(method) for i in range(values.shape[-1])]
    return np.stack([np.asarray(channel) for channel in turned], axis=-1).astype(values.dtype)
