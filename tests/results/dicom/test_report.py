"""DICOM Structured Reports: what they say, read back with highdicom and checked by dciodvfy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UltrasoundMultiFrameImageStorage

highdicom = pytest.importorskip("highdicom")

from scripts.radiomics import IBSI, NAMES  # noqa: E402
from scripts.results.dicom.archive import AlgorithmIdentity, make_results, write_atomically  # noqa: E402
from scripts.results.dicom.codes import feature_code  # noqa: E402
from scripts.results.dicom.report import make_report  # noqa: E402

Mask = Callable[[Dataset], np.ndarray]
MILLIMETRES = ("area_mm2", "long_axis_mm", "short_axis_mm")


def read_back(report: Dataset, folder: Path) -> highdicom.sr.ComprehensiveSR:
    write_atomically(report, folder / "sr.dcm")
    return highdicom.sr.srread(folder / "sr.dcm")


def numbers(group: Any) -> dict[str, tuple[float, str]]:
    return {m.name.meaning: (float(m.value), m.unit.value) for m in group.get_measurements()}


def answers(group: Any) -> dict[str, str]:
    evaluations = {e.name.meaning: e.value.meaning for e in group.get_qualitative_evaluations()}
    del evaluations["Algorithm Family"]  # highdicom counts it in
    return evaluations


@pytest.mark.parametrize("found", [True, False])
def test_dciodvfy_finds_no_error(
    found: bool,
    real_header: Dataset,
    lesion_mask: Mask,
    algorithm: AlgorithmIdentity,
    prediction: dict[str, Any],
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:
    prediction |= {"frame": int(real_header.get("NumberOfFrames") or 1) - 1, "lesion_found": found}
    mask = lesion_mask(real_header) * found
    segmentation, report = make_results(real_header, mask, prediction, algorithm, IBSI)
    assert (segmentation is not None) == found
    assert errors_of_dciodvfy(report) == []


def test_a_lesion_is_told_with_its_segment_class_and_numbers(
    cine_header: Dataset, lesion_mask: Mask, algorithm: AlgorithmIdentity, prediction: dict[str, Any], tmp_path: Path
) -> None:
    prediction["frame"] = 7
    segmentation, made = make_results(cine_header, lesion_mask(cine_header), prediction, algorithm, IBSI, 5)
    report = read_back(made, tmp_path)
    assert (report.PatientID, report.StudyInstanceUID) == (cine_header.PatientID, cine_header.StudyInstanceUID)
    assert (report.PreliminaryFlag, report.VerificationFlag, report.InstanceNumber) == ("PRELIMINARY", "UNVERIFIED", 5)
    assert "research use only" in report.SeriesDescription

    group = report.content.get_planar_roi_measurement_groups(referenced_sop_instance_uid=segmentation.SOPInstanceUID)[0]
    source = group.referenced_segmentation_frame.source_image_for_segmentation
    assert source.referenced_sop_instance_uid == cine_header.SOPInstanceUID
    assert source.referenced_sop_class_uid == UltrasoundMultiFrameImageStorage
    assert source.referenced_frame_numbers == [8]
    assert group.tracking_uid == segmentation.SegmentSequence[0].TrackingUID
    assert answers(group) == {"Lesion found by the algorithm": "Present", "Predicted pathology class": "Malignant"}
    assert numbers(group) == {
        "Probability of cancer": (83.0, "%"),
        "Predicted IoU of the segmentation": (0.7, "1"),
        "Area": (4.0, "mm2"),
        "Major Axis": (4.5, "mm"),
        "Minor Axis": (1.5, "mm"),
        "Echo skewness": (-0.25, "1"),
        "Margin sharpness of the boundary": (2.5, "1"),
    }
    told = (tmp_path / "sr.dcm").read_bytes()
    assert b"weights_sha256=" + b"ab" * 32 in told
    assert b"configuration=c0ffee" in told
    evidence = {uid for *_, uid, _ in report.get_evidence()}
    assert evidence == {cine_header.SOPInstanceUID, segmentation.SOPInstanceUID}


def test_without_spacing_no_millimetre_is_written(
    plain_header: Dataset, lesion_mask: Mask, algorithm: AlgorithmIdentity, prediction: dict[str, Any], tmp_path: Path
) -> None:
    prediction |= dict.fromkeys(MILLIMETRES, "") | {"radiomics": {}}
    _, made = make_results(plain_header, lesion_mask(plain_header), prediction, algorithm)
    group = read_back(made, tmp_path).content.get_planar_roi_measurement_groups()[0]
    assert numbers(group)["Area"] == (200.0, "{pixels}")
    assert {unit for _, unit in numbers(group).values()} == {"%", "1", "{pixels}"}


def test_nothing_found_is_said(
    plain_header: Dataset, algorithm: AlgorithmIdentity, prediction: dict[str, Any], tmp_path: Path
) -> None:
    prediction |= {"lesion_found": "false", "diagnosis": "none", "malignancy_probability": "", "indeterminate": "true"}
    segmentation, made = make_results(plain_header, np.zeros((48, 64), np.uint8), prediction, algorithm)
    report = read_back(made, tmp_path)
    group = report.content.get_image_measurement_groups()[0]
    assert segmentation is None
    assert report.content.get_planar_roi_measurement_groups() == []
    assert group.finding_type is None
    assert group.source_images[0].referenced_sop_instance_uid == plain_header.SOPInstanceUID
    assert numbers(group) == {}
    assert answers(group) == {
        "Lesion found by the algorithm": "Absent",
        "Conclusiveness of the prediction": "Indeterminate result",
    }


def test_features_carry_ibsi_codes_only_where_they_conform(
    plain_header: Dataset, algorithm: AlgorithmIdentity, prediction: dict[str, Any], tmp_path: Path
) -> None:
    assert set(IBSI) <= set(NAMES)
    coded = {name: feature_code(name, IBSI) for name in NAMES}
    assert {name: code.value for name, code in coded.items() if code.scheme_designator == "IBSI"} == IBSI
    assert len({code.value for code in coded.values()}) == len(NAMES)
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in coded.values())
    assert feature_code("texture_contrast", {"texture_contrast": "ACUI"}).meaning == "Contrast of GLCM"
    made = make_report(plain_header, prediction, algorithm, ibsi_codes=IBSI)
    group = read_back(made, tmp_path).content.get_image_measurement_groups()[0]
    schemes = {m.name.meaning: m.name.scheme_designator for m in group.get_measurements()}
    assert (schemes["Echo skewness"], schemes["Margin sharpness of the boundary"]) == ("IBSI", "99RADVLSM")
    scheme = dcmread(tmp_path / "sr.dcm").CodingSchemeIdentificationSequence[0]
    assert (scheme.CodingSchemeDesignator, scheme.CodingSchemeName) == ("99RADVLSM", "Rad-VLSM concepts")
