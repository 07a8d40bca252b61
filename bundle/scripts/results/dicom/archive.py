"""What an archive gets for one analysed frame: a Segmentation and a Structured Report that refer to each other.

The one module that callers need (it imports highdicom, which takes a second)::

    source = SourceFrame.of(read_header(path), frame, region)
    segmentation, report = make_results(source, finding, AlgorithmIdentity(version, weights, configuration), site)
    write_dicom(report, folder / "name.dcm")
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom import Dataset

from scripts.findings.finding import Finding
from scripts.sites import Site

from .files import DicomResultError, read_header, write_dicom
from .report import make_report
from .segmentation import make_segmentation
from .source import AlgorithmIdentity, SourceFrame

__all__ = ["AlgorithmIdentity", "DicomResultError", "SourceFrame", "make_results", "read_header", "write_dicom"]


def make_results(
    source: SourceFrame,
    finding: Finding,
    algorithm: AlgorithmIdentity,
    site: Site,
    ibsi_codes: Mapping[str, str] = MappingProxyType({}),
    instance_number: int = 1,
) -> tuple[Dataset | None, Dataset]:
    """The Segmentation (None where no lesion was found) and the report of one frame.

    Args:
        source: the frame, of a header as :func:`read_header` gives it.
        finding: what was found in it, on the source's native grid.
        algorithm: what found it.
        site: knows the codes.
        ibsi_codes: radiomics name -> IBSI code of the features that conform to it (``scripts.radiomics.IBSI``).
        instance_number: number within both series, from 1; the row's number serves.

    Raises:
        DicomResultError: ``str(error)`` is a reason for predictions.csv, a code (``error.code``) and words without any
            value of the file: MASK_SIZE or DICOM_RESULT_FAILED; the source's own are NO_STUDY_UID, NO_INSTANCE_UID.
    """
    segmentation = make_segmentation(source, finding, algorithm, site, instance_number) if finding.found else None
    return segmentation, make_report(source, finding, algorithm, site, segmentation, ibsi_codes, instance_number)
