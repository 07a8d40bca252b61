"""One mask file as booleans: what counts as drawn in every kind of picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scripts.errors import BundleError

from .arrays import open_nifti
from .file_kinds import NIFTI, PICTURE, file_kind
from .pictures import open_picture, pixels_of, upright
from .reasons import ReadingProblem

#: Compression blurs their zeros; WebP and JPEG 2000 have lossless forms too, in which masks are 0 and 255 all the same.
_LOSSY_FORMATS = ("JPEG", "WEBP", "JPEG2000")
_LOSSY_THRESHOLD = 127
_INDEXED = ("P", "PA")
_8_BIT_MODES = ("1", "L", "RGB", "LA", "RGBA")


def read_mask(path: str | Path) -> np.ndarray:
    """One mask file as booleans.

    Drawn is every value above zero, so 0/1, 0/255, numbered lesions and probabilities all serve: in gray the value, in
    colour any channel, in a palette the index (its colours do not count). Where transparency varies, what is not
    transparent is drawn, or the coloured part of it. In a JPEG, whose zeros are blurred by compression, and in WebP
    and JPEG 2000 files every value above 127 is drawn.

    Args:
        path: a picture, or a NIfTI of one slice, whose first axis runs along the columns.

    Returns:
        Shape (rows, columns).

    Raises:
        BundleError: the file is missing, unreadable or of another kind, has more than one slice, or covers everything.
    """
    path = Path(path)
    if not path.is_file():
        raise BundleError(f'The mask "{path}" does not exist. Check the data list.')
    try:
        kind = file_kind(str(path))
        if kind not in (PICTURE, NIFTI):
            raise BundleError(f'The mask "{path}" is of an unknown kind. Give a picture or a NIfTI file.')
        drawn = _drawn_in_volume(path) if kind == NIFTI else _drawn_in_picture(path)
    except ReadingProblem as problem:
        raise BundleError(f'The mask "{path}" cannot be read: {problem.reason}. Replace the file.') from None
    if drawn.all():
        raise BundleError(
            f'The mask "{path}" covers its whole image, so that nothing tells lesion from background. Save it with 0, '
            "black or full transparency around the lesion."
        )
    return drawn


def _drawn_in_volume(path: Path) -> np.ndarray:
    try:
        volume = open_nifti(str(path))
        if len(volume.shape) < 2 or any(size != 1 for size in volume.shape[2:]):
            raise BundleError(f'The mask "{path}" has shape {volume.shape}. Give one slice.')
        values = np.asarray(volume.dataobj)
    except BundleError:
        raise
    except Exception:  # nibabel raises ImageFileError, HeaderDataError, EOFError, zlib.error, ...
        raise ReadingProblem("PIXEL_DECODE_FAILED") from None
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]]).max(axis=0)
    return values.reshape(values.shape[:2]).T > 0


def _drawn_in_picture(path: Path) -> np.ndarray:
    with open_picture(str(path)) as picture:
        lossy = picture.format in _LOSSY_FORMATS or picture.info.get("compression") == "jpeg"
        threshold = _LOSSY_THRESHOLD if lossy else 0
        if (deep := pixels_of(picture)) is not None:
            values, alpha = _split(deep)
            return _drawn(values > 0, alpha)
        picture = upright(picture)
        alpha = np.asarray(picture.convert("RGBA"))[..., 3] if picture.has_transparency_data else None
        if picture.mode in _INDEXED:
            return _drawn(np.asarray(picture.getchannel(0)) > 0, alpha)
        picture = picture if picture.mode in _8_BIT_MODES else picture.convert("RGB")
        values, _ = _split(np.asarray(picture))
        return _drawn(values > threshold, alpha)


def _split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The strongest of the gray or colour channels, and alpha where there is one."""
    if values.ndim == 2:
        return values, None
    has_alpha = values.shape[-1] in (2, 4)
    return values[..., : 1 if values.shape[-1] == 2 else 3].max(axis=-1), values[..., -1] if has_alpha else None


def _drawn(marked: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """What is marked by value, and by alpha where it varies.

    Args:
        marked: by value, index or colour, (rows, columns).
        alpha: of the same shape.
    """
    if alpha is None or alpha.min() == alpha.max():
        # An empty layer has one colour, which nobody sees.
        unseen = alpha is not None and alpha.max() == 0 and marked.all()
        return np.zeros_like(marked) if unseen else marked
    visible = alpha > 0
    if visible.all():  # alpha says how sure, not where
        return marked
    both = visible & marked
    return both if both.any() else visible
