"""Rows and columns of an image file, from its header alone."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from scripts.errors import BundleError
from scripts.quiet import quiet_libraries

from .arrays import open_nifti
from .file_kinds import DICOM, NIFTI, file_kind
from .pictures import open_picture, upright_size
from .reasons import ReadingProblem


def image_size(path: str | Path) -> tuple[int, int]:
    """Rows and columns of a picture (upright), a NIfTI slice or a DICOM file, without reading its pixels.

    The first axis of a NIfTI runs along the columns, as everywhere in that format.

    Raises:
        BundleError: the file is none of these or is damaged.
    """
    try:
        kind = file_kind(str(path))
        if kind == DICOM:
            return _dicom_size(path)
        if kind == NIFTI:
            columns, rows = open_nifti(str(path)).shape[:2]
            return int(rows), int(columns)
        with open_picture(str(path)) as picture:
            return upright_size(picture)
    except ReadingProblem as problem:
        said = f" ({problem.reason})"
    except Exception:  # of nibabel or pydicom, whose words are no help
        said = ""
    raise BundleError(f'"{path}" is not a readable image{said}. Replace the file or take it off the list.')


def _dicom_size(path: str | Path) -> tuple[int, int]:
    with quiet_libraries():
        header = dcmread(path, stop_before_pixels=True, force=True, specific_tags=["Rows", "Columns"])
    return int(header.Rows), int(header.Columns)
