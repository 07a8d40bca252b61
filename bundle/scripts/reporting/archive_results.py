"""SEG and SR beside each analysed DICOM frame; see ``dicom_results`` for what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scripts.radiomics import IBSI


class ArchiveResults:
    """Writes the DICOM files of a run. highdicom is imported by the first of them: it takes a second.

    Args:
        folder: the run's output folder.
        version: of the bundle.
        weights_sha256: digest of the weights.
        configuration: digest of the configuration.
        secondary_capture: write overlays as Secondary Capture too.
    """

    def __init__(
        self, folder: Path, version: str, weights_sha256: str, configuration: str, secondary_capture: bool = False
    ) -> None:
        self.folder = folder
        self.identity = {"version": version, "weights_sha256": weights_sha256, "configuration": configuration}
        self.secondary_capture = secondary_capture

    def write(
        self,
        source: str,
        name: str,
        mask: np.ndarray,
        prediction: Mapping[str, Any],
        overlay: np.ndarray,
        number: int,
    ) -> str:
        """Write what an archive gets for one frame.

        Args:
            source: path of the analysed file.
            name: of the results, without suffix.
            mask: shape (Rows, Columns) of the file, above 0 where the lesion is.
            prediction: the row and its radiomics.
            overlay: uint8 RGB (height, width, 3), showing nothing outside the B-mode region.
            number: of the row, from 1.

        Returns:
            "" or the reason why there is no such result: a code and words without any value of the file.

        Raises:
            OSError: the folder cannot be written.
        """
        from scripts.reporting.dicom_results import (
            AlgorithmIdentity,
            DicomResultError,
            make_results,
            read_header,
            write_atomically,
        )

        algorithm = AlgorithmIdentity(**self.identity)
        try:
            header = read_header(source)
            segmentation, report = make_results(header, mask, prediction, algorithm, IBSI, number)
            if segmentation is not None:
                write_atomically(segmentation, self.folder / "dicom_seg" / f"{name}.dcm")
            write_atomically(report, self.folder / "dicom_sr" / f"{name}.dcm")
            if self.secondary_capture:
                from scripts.reporting.secondary_capture import make_secondary_capture

                cropped = prediction["region"] != -1
                capture = make_secondary_capture(header, overlay, prediction, algorithm, cropped, number)
                write_atomically(capture, self.folder / "dicom_sc" / f"{name}.dcm")
        except DicomResultError as error:
            return str(error)
        return ""
