"""Where ITK, and so 3D Slicer, believes that an image file lies."""

from __future__ import annotations

import numpy as np

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def file_affine(path: str) -> np.ndarray:
    """The affine from (column, row, slice) indices to mm, in RAS, as ITK reads it from the header.

    A mask with this affine lies on its image in every viewer built on ITK, whatever the kind of file.

    Args:
        path: PNG, JPEG, DICOM, NIfTI or NRRD.

    Returns:
        Shape (4, 4); spacing 1 and no rotation where ITK cannot read the header.
    """
    import SimpleITK

    affine = np.eye(4)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError:  # a file that only other readers open: the mask still has its size
        return _LPS_TO_RAS @ affine
    count = reader.GetDimension()
    shown = min(count, 3)
    direction = np.reshape(reader.GetDirection(), (count, count)) * np.asarray(reader.GetSpacing())
    affine[:shown, :shown] = direction[:shown, :shown]
    affine[:shown, 3] = reader.GetOrigin()[:shown]
    return _LPS_TO_RAS @ affine
