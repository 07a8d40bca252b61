"""The files of one analysed row: mask, overlay, and SEG and SR for DICOM inputs."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scripts.findings.finding import Finding
from scripts.radiomics import IBSI
from scripts.sites import Site
from scripts.writing.drawing import mask_image, png_bytes
from scripts.writing.files import write_whole

from .evidence_figure import draw_evidence
from .overlay import draw_overlay

# A name that the disk refuses costs one row; anything else that cannot be written ends the run.
_REFUSED_NAMES = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)


@dataclass(frozen=True)
class AnalysedImage:
    """What the files of a row are made from.

    Attributes:
        path: the analysed file.
        name: of its results, without suffix.
        number: of its row, from 1.
        frame: 0-based.
        region: 0-based B-mode region; -1 for the whole frame.
        content: what tells the image from others with the same SOP Instance UID; "" where it has none.
        reason: notes on the input, as in predictions.csv.
        source: as :class:`scripts.data.LoadUltrasoundd` describes it.
        picture: the analysed region, uint8 (C, H, W).
        finding: what was found in it.
    """

    path: str
    name: str
    number: int
    frame: int
    region: int
    content: str
    reason: str
    source: Mapping[str, Any]
    picture: np.ndarray
    finding: Finding


@dataclass(frozen=True)
class ResultFiles:
    """Writes the files of one row after another; stateless, so that any process can.

    Attributes:
        root: the output folder.
        identity: ``version``, ``weights_sha256``, ``configuration`` of the algorithm.
        site: its words, colours and codes.
        overlays: draw overlays.
        evidence_figures: draw what was believed of the candidates.
        dicom_results: write SEG and SR for DICOM inputs.
        secondary_capture: write the overlays of DICOM inputs as Secondary Capture too.
    """

    root: Path
    identity: Mapping[str, str]
    site: Site
    overlays: bool = True
    evidence_figures: bool = True
    dicom_results: bool = True
    secondary_capture: bool = False

    def warm_up(self) -> None:
        """Import highdicom, which takes a second."""
        if self.dicom_results or self.secondary_capture:
            import scripts.results.dicom.secondary_capture  # noqa: F401

    def write(self, image: AnalysedImage) -> dict[str, Any]:
        """Write all files of one image.

        Returns:
            The columns that tell of them, or ``status`` failed and a ``reason`` if this image's cannot be made.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        try:
            return self._write(image)
        except OSError as error:
            if error.errno not in _REFUSED_NAMES:
                raise
            return {"status": "failed", "reason": "RESULT_NOT_WRITTEN the file's name is too long"}
        except Exception as error:  # noqa: BLE001  one patient's file must not cost the others theirs
            return {"status": "failed", "reason": f"INTERNAL_ERROR {type(error).__name__}"}

    def _write(self, image: AnalysedImage) -> dict[str, Any]:
        finding, crop = image.finding, image.source["crop"]
        columns = {"mask": f"masks/{image.name}.png"}
        write_whole(self.root / columns["mask"], png_bytes(mask_image(finding.mask)))
        top, left, bottom, right = crop
        region = finding.mask[top:bottom, left:right]
        archived = image.source["kind"] == "dicom"
        overlay = None
        if self.secondary_capture and archived:  # without the file's name, which may be a patient's
            overlay = draw_overlay(image.picture, region, finding, self.site)
        if self.overlays:
            columns["overlay"] = f"overlays/{image.name}.png"
            named = draw_overlay(image.picture, region, finding, self.site, image.name)
            write_whole(self.root / columns["overlay"], png_bytes(named))
        if self.evidence_figures:
            figure = draw_evidence(image.picture, region, crop, finding, self.site)
            write_whole(self.root / "evidence" / f"{image.name}.png", png_bytes(figure))
        if archived:
            problem = self._write_dicom(image, None if overlay is None else np.asarray(overlay))
            if problem and problem.split()[0] not in image.reason:
                columns["reason"] = "; ".join(filter(None, (image.reason, problem)))
        return columns

    def _write_dicom(self, image: AnalysedImage, overlay: np.ndarray | None) -> str:
        """What an archive gets for one frame; returns "" or the reason why it gets nothing."""
        if not (self.dicom_results or self.secondary_capture):
            return ""
        # Here, since a run without DICOM results does without highdicom.
        from .dicom.archive import AlgorithmIdentity, DicomResultError, SourceFrame, make_results, read_header
        from .dicom.files import write_dicom
        from .dicom.secondary_capture import make_secondary_capture

        algorithm = AlgorithmIdentity(**self.identity)
        try:
            source = SourceFrame.of(read_header(image.path), image.frame, image.region, image.content)
            if self.dicom_results:
                segmentation, report = make_results(source, image.finding, algorithm, self.site, IBSI, image.number)
                if segmentation is not None:
                    write_dicom(segmentation, self.root / "dicom_seg" / f"{image.name}.dcm")
                write_dicom(report, self.root / "dicom_sr" / f"{image.name}.dcm")
            if self.secondary_capture:
                # Only a B-mode region is known to hold none of the device's text.
                cropped = image.region != -1
                capture = make_secondary_capture(source, overlay, algorithm, cropped, image.number)
                write_dicom(capture, self.root / "dicom_sc" / f"{image.name}.dcm")
        except DicomResultError as error:
            return str(error)
        return ""
