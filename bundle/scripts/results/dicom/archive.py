"""What an archive gets for one analysed frame: a Segmentation and a Structured Report that refer to each other.

``make_results(header, mask, prediction, algorithm, ibsi_codes, instance_number) -> (segmentation | None, report)``

The one module that callers need (it imports highdicom, which takes a second)::

    header = read_header(path)
    segmentation, report = make_results(header, mask, prediction, AlgorithmIdentity(version, weights, configuration))
    write_atomically(report, folder / "name.dcm")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from pydicom import Dataset

from .files import DicomResultError, read_header, write_atomically
from .report import lesion_found, make_report
from .segmentation import make_segmentation
from .source import AlgorithmIdentity

__all__ = ["AlgorithmIdentity", "DicomResultError", "make_results", "read_header", "write_atomically"]


def make_results(
    header: Dataset,
    mask: np.ndarray,
    prediction: Mapping[str, Any],
    algorithm: AlgorithmIdentity,
    ibsi_codes: Mapping[str, str] = MappingProxyType({}),
    instance_number: int = 1,
) -> tuple[Dataset | None, Dataset]:
    """The Segmentation (None where no lesion was found) and the report of one frame.

    Args:
        header: the source's dataset, as :func:`read_header` gives it; not changed.
        mask: the lesion on the source's native grid, uint8 or bool, shape (Rows, Columns); anything above 0 is lesion.
        prediction: a row of predictions.csv as a dict (an empty cell is "" or None), and ``radiomics`` {name: value}.
        algorithm: what made the prediction.
        ibsi_codes: radiomics name -> IBSI code of the features that conform to it (``scripts.radiomics.IBSI``).
        instance_number: number within both series, from 1; the row's number serves.

    Raises:
        DicomResultError: ``str(error)`` is a reason for predictions.csv, a code (``error.code``) and words without any
            value of the file: NO_STUDY_UID, NO_INSTANCE_UID, MASK_SIZE or DICOM_RESULT_FAILED.
    """
    segmentation = None
    if lesion_found(prediction) and mask.any():
        segmentation = make_segmentation(header, mask, prediction, algorithm, instance_number)
    return segmentation, make_report(header, prediction, algorithm, segmentation, ibsi_codes, instance_number)
