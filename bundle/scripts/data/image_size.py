"""Rows and columns of an image file, from its header alone."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import pydicom
from nibabel.filebasedimages import ImageFileError
from PIL import Image, UnidentifiedImageError
from pydicom.errors import InvalidDicomError

from scripts.errors import BundleError


def image_size(path: str | Path) -> tuple[int, int]:
    """Rows and columns of a picture, a NIfTI slice or a DICOM file, without reading its pixels.

    The first axis of a NIfTI runs along the columns, as everywhere in that format.

    Raises:
        BundleError: the file is none of these or is damaged.
    """
    path = Path(path)
    try:
        if path.name.lower().endswith((".nii", ".nii.gz")):
            columns, rows = nib.load(path).shape[:2]
            return int(rows), int(columns)
        try:
            with Image.open(path) as picture:
                return picture.height, picture.width
        except UnidentifiedImageError:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
            return int(header.Rows), int(header.Columns)
    except (OSError, ValueError, AttributeError, InvalidDicomError, ImageFileError) as error:
        raise BundleError(f'"{path}" is not a readable image. Replace the file or take it off the list.') from error
