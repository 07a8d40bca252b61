"""NIfTI files, and arrays that another reader has loaded, brought to rows x columns."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np

from scripts.quiet import quiet_libraries

from .limits import check_size
from .reasons import ReadingProblem

if TYPE_CHECKING:
    from nibabel import Nifti1Image

_FULL_SCALES = (255.0, 4095.0, 65535.0)  # 8, 12 and 16 bits
_NIFTI_2_HEADER = 540  # bytes


def read_nifti(path: str) -> tuple[np.ndarray, list[float], np.ndarray]:
    """Read a two-dimensional NIfTI file: (W, H), (W, H, 1), (W, H, 3), (W, H, 1, 3) or (W, H) of RGB triples.

    NIfTI's first axis runs along the columns; what it calls a row is an image's row all the same, so the axes are
    swapped and nothing is flipped.

    Returns:
        Pixel values (H, W) or (H, W, 3); spacing [row_mm, column_mm], [] where the file has the default of 1; and the
        affine (4, 4) from (row, column) indices to mm.

    Raises:
        ReadingProblem: TRUNCATED, PIXEL_DECODE_FAILED or UNUSABLE_IMAGE.
    """
    with quiet_libraries():
        try:
            image = open_nifti(path)
            check_size(*image.shape[1::-1])
            _check_flat(image.shape)
            values = np.asanyarray(image.dataobj)
            zooms = [float(zoom) for zoom in image.header.get_zooms()[1::-1]]
            affine = np.asarray(image.affine, dtype=np.float64)[:, [1, 0, 2, 3]]
        except ReadingProblem:
            raise
        except (EOFError, OSError):
            raise ReadingProblem("TRUNCATED") from None
        except Exception:  # nibabel raises ImageFileError, HeaderDataError, ValueError, zlib.error, ...
            raise ReadingProblem("PIXEL_DECODE_FAILED") from None
    known = all(np.isfinite(zoom) and zoom > 0 for zoom in zooms) and zooms != [1.0, 1.0]
    return arrange(values), zooms if known else [], affine


def open_nifti(path: str) -> Nifti1Image:
    """Open a NIfTI file of either version, compressed or not, whatever it is called; its pixels are not read yet.

    Raises:
        OSError, EOFError, zlib.error, nibabel.filebasedimages.ImageFileError, ...: it is damaged.
    """
    import nibabel

    with open(path, "rb") as file:
        opener = gzip.open if file.read(2) == b"\x1f\x8b" else open
    with opener(path, "rb") as file:
        size = file.read(4)
    newer = _NIFTI_2_HEADER in (int.from_bytes(size, "little"), int.from_bytes(size, "big"))
    kind = nibabel.Nifti2Image if newer else nibabel.Nifti1Image
    holders = kind.make_file_map()
    holders["image"].fileobj = opener(path, "rb")
    return kind.from_file_map(holders)


def arrange(values: np.ndarray) -> np.ndarray:
    """Bring a loaded array to (H, W) or (H, W, 3).

    Args:
        values: channel first (1, H, W) or (3, H, W), as images are in this bundle; or as MONAI's and nibabel's readers
            give them, columns first: (W, H), (W, H, 1), (W, H, 3), (W, H, 1, 3), ...; RGB records count as channels.

    Raises:
        ReadingProblem: UNUSABLE_IMAGE, a volume.
    """
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    if values.ndim == 3 and values.shape[0] in (1, 3) and values.shape[2] not in (1, 3):
        return values[0] if values.shape[0] == 1 else values.transpose(1, 2, 0)
    _check_flat(values.shape)
    columns, rows = values.shape[:2]
    swapped = values.swapaxes(0, 1)
    return swapped.reshape(rows, columns) if values.size == rows * columns else swapped.reshape(rows, columns, 3)


def full_scale(values: np.ndarray) -> float:
    """The value that means white: 1 for fractions, else the smallest of 8, 12 and 16 bits that holds all values."""
    if values.dtype == np.uint8:
        return 255.0
    highest = float(np.nanmax(values)) if values.size else 0.0
    if np.issubdtype(values.dtype, np.floating) and highest <= 1.0:
        return 1.0
    return next((scale for scale in _FULL_SCALES if highest <= scale), max(highest, 1.0))


def is_own_scale(values: np.ndarray, white: float) -> bool:
    """Whether ``white`` is what the type of the values says, and not assumed from how large they are."""
    if np.issubdtype(values.dtype, np.floating):
        return white == 1.0
    return white == float(np.iinfo(values.dtype).max)


def _check_flat(shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or [size for size in shape[2:] if size != 1] not in ([], [3]):
        raise ReadingProblem("UNUSABLE_IMAGE", "a volume, not an image")
