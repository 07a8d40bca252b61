"""DICOM Structured Reports: what they say, read back with highdicom and checked by dciodvfy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.filereader import read_sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UltrasoundMultiFrameImageStorage

highdicom = pytest.importorskip("highdicom")

from scripts.findings import Finding, Size  # noqa: E402
from scripts.quiet import quiet_libraries  # noqa: E402
from scripts.radiomics import IBSI, NAMES  # noqa: E402
from scripts.results.dicom import codes as words  # noqa: E402
from scripts.results.dicom.archive import AlgorithmIdentity, SourceFrame, make_results, write_dicom  # noqa: E402
from scripts.results.dicom.codes import PRIVATE_SCHEME, feature_code, private_scheme, term_codes  # noqa: E402
from scripts.results.dicom.content import Reference, build_content  # noqa: E402
from scripts.results.dicom.content_template import _number  # noqa: E402
from scripts.results.dicom.report import groups_of, kind_of, make_report  # noqa: E402
from scripts.sites import Classes, Site  # noqa: E402

Find = Callable[..., Finding]


def nothing(header: Dataset) -> np.ndarray:
    return np.zeros((header.Rows, header.Columns), np.uint8)


def read_back(report: Dataset, folder: Path) -> highdicom.sr.ComprehensiveSR:
    write_dicom(report, folder / "sr.dcm")
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
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:
    source = SourceFrame.of(real_header, int(real_header.get("NumberOfFrames") or 1) - 1)
    finding = find(real_header, flags=("not calibrated",)) if found else find(real_header, nothing(real_header))
    segmentation, report = make_results(source, finding, algorithm, site, IBSI)
    assert (segmentation is not None) == found
    assert errors_of_dciodvfy(report) == []


def test_a_lesion_is_told_with_its_segment_class_and_numbers(
    cine_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    segmentation, made = make_results(SourceFrame.of(cine_header, 7), find(cine_header), algorithm, site, IBSI, 5)
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


def test_several_lesions_are_told_one_by_one_in_coded_words(
    cine_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:  # fmt: skip
    mask = nothing(cine_header)
    mask[50:70, 60:90] = mask[100:104, 20:30] = 1
    finding = find(cine_header, mask, size=Size(640), radiomics={})
    said = ({"margin": "spiculated", "quadrant": "upper left"}, {"margin": "circumscribed", "quadrant": "lower left"})
    first, second = (replace(lesion, words=words) for lesion, words in zip(finding.lesions, said, strict=True))
    second = replace(second, diagnosis="benign", probability=0.25, flags=("indeterminate",))
    finding = replace(finding, lesions=(first, second))
    segmentation, report = make_results(SourceFrame.of(cine_header, 7), finding, algorithm, site, IBSI)
    assert errors_of_dciodvfy(segmentation) == errors_of_dciodvfy(report) == []
    groups = read_back(report, tmp_path).content.get_planar_roi_measurement_groups()
    write_dicom(segmentation, tmp_path / "seg.dcm")
    frames = highdicom.seg.segread(tmp_path / "seg.dcm")
    for number, (group, lesion) in enumerate(zip(groups, finding.lesions, strict=True), start=1):
        place = group.referenced_segmentation_frame.referenced_frame_numbers
        assert place == [number] and frames.pixel_array[number - 1].sum() == lesion.size.area_px
        assert group.tracking_uid == segmentation.SegmentSequence[number - 1].TrackingUID
    assert groups[0].tracking_uid != groups[1].tracking_uid
    assert answers(groups[1]) == {
        "Lesion found by the algorithm": "Present",
        "Predicted pathology class": "Benign",
        "Conclusiveness of the prediction": "Indeterminate result",
        "Margins": "Circumscribed lesion",
        "Quadrant of the image": "Lower left",
    }
    assert groups[1].method.meaning == "Measured from the predicted outline"
    assert answers(groups[0])["Margins"] == "Spiculated lesion" and numbers(groups[1])["Probability of cancer"][0] == 25


def test_the_sites_codes_are_those_of_the_standard(site: Site) -> None:
    for concept, (value, scheme, meaning) in site.codes.items():
        if scheme != PRIVATE_SCHEME:
            known = getattr(codes, scheme)
            assert any(getattr(known, name) == Code(value, scheme, meaning) for name in known.dir()), concept
    terms = {f"{term}: {value}": (term, value) for term, values in site.lexicon.terms.items() for value in values}
    assert {concept for concept in site.codes if ": " in concept} <= set(terms)
    coded = [code for term in terms.values() for code in term_codes(site, *term)]
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in coded)


def test_without_spacing_no_millimetre_is_written(
    plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    finding = find(plain_header, size=Size(200), radiomics={})
    _, made = make_results(SourceFrame.of(plain_header), finding, algorithm, site)
    group = read_back(made, tmp_path).content.get_planar_roi_measurement_groups()[0]
    assert numbers(group)["Area"] == (200.0, "{pixels}")
    assert {unit for _, unit in numbers(group).values()} == {"%", "1", "{pixels}"}


def test_nothing_found_is_said(
    plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    finding = find(plain_header, nothing(plain_header))
    segmentation, made = make_results(SourceFrame.of(plain_header), finding, algorithm, site)
    report = read_back(made, tmp_path)
    group = report.content.get_image_measurement_groups()[0]
    assert segmentation is None
    assert report.content.get_planar_roi_measurement_groups() == []
    assert group.finding_type is None
    assert group.source_images[0].referenced_sop_instance_uid == plain_header.SOPInstanceUID
    assert numbers(group) == {}
    assert answers(group) == {"Lesion found by the algorithm": "Absent"}


@pytest.mark.parametrize(
    ("flag", "meaning"),
    [
        ("indeterminate", "Indeterminate result"), ("not calibrated", "Not calibrated"),
        ("speck", "Speck, not counted in the diagnosis of the image"),
    ],
)  # fmt: skip
def test_what_to_think_of_it_is_said(
    flag: str, meaning: str, plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    made = make_report(SourceFrame.of(plain_header), find(plain_header, flags=(flag,)), algorithm, site)
    group = read_back(made, tmp_path).content.get_image_measurement_groups()[0]
    assert answers(group)["Conclusiveness of the prediction"] == meaning


def test_another_site_speaks_by_its_own_codes_or_private_ones(
    plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, tmp_path: Path,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:  # fmt: skip
    classes = Classes(["nevus", "seborrheic keratosis", "melanoma"], positive="melanoma")
    own = {"finding_site": ("39937001", "SCT", "Skin"), "melanoma": ("2092003", "SCT", "Malignant melanoma")}
    skin = Site("skin", "skin", classes, {}, own)
    told = []
    for diagnosis in classes.names:
        made = make_report(SourceFrame.of(plain_header), find(plain_header, diagnosis=diagnosis), algorithm, skin)
        group = read_back(made, tmp_path).content.get_image_measurement_groups()[0]
        told.append(answers(group)["Predicted pathology class"])
        assert group.finding_sites[0].value.meaning == "Skin" and "Probability" in numbers(group)
    assert told == ["Nevus", "Seborrheic keratosis", "Malignant melanoma"]
    assert errors_of_dciodvfy(made) == []


def test_features_carry_ibsi_codes_only_where_they_conform(
    plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    assert set(IBSI) <= set(NAMES)
    coded = {name: feature_code(name, IBSI) for name in NAMES}
    assert {name: code.value for name, code in coded.items() if code.scheme_designator == "IBSI"} == IBSI
    assert len({code.value for code in coded.values()}) == len(NAMES)
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in coded.values())
    assert feature_code("texture_contrast", {"texture_contrast": "ACUI"}).meaning == "Contrast of GLCM"
    made = make_report(SourceFrame.of(plain_header), find(plain_header), algorithm, site, ibsi_codes=IBSI)
    group = read_back(made, tmp_path).content.get_image_measurement_groups()[0]
    schemes = {m.name.meaning: m.name.scheme_designator for m in group.get_measurements()}
    assert (schemes["Echo skewness"], schemes["Margin sharpness of the boundary"]) == ("IBSI", "99RADVLSM")
    scheme = dcmread(tmp_path / "sr.dcm").CodingSchemeIdentificationSequence[0]
    assert (scheme.CodingSchemeDesignator, scheme.CodingSchemeName) == ("99RADVLSM", "Rad-VLSM concepts")


def values_of(dataset: Dataset) -> list[tuple[Any, ...]]:
    """Every element but the time of writing, with what it says."""
    return [
        (element.tag, element.VR, len(element.value) if element.VR == "SQ" else str(element.value))
        for element in dataset.iterall()
        if element.keyword not in ("ContentTime", "InstanceCreationTime", "ContributionDateTime")
    ]


@pytest.mark.parametrize("lesions", [0, 1, 2])
@pytest.mark.parametrize("segmented", [True, False])
def test_a_report_from_a_template_says_what_one_from_nothing_says(
    real_header: Dataset, plain_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, lesions: int,
    segmented: bool, tmp_path: Path,
) -> None:  # fmt: skip
    """With other values in the template before, and text that is no ASCII."""
    site = replace(site, codes={**site.codes, "finding": ("läsion", PRIVATE_SCHEME, "Läsion")})
    for name, header, frame in (("first", plain_header, 0), ("second", real_header, 1), ("again", real_header, 0)):
        mask = nothing(header)
        if lesions:
            mask[3:9, 4:12] = 1
        if lesions > 1:
            mask[20:24, 5:8] = 1
        finding = find(header, mask, radiomics={"echo_skewness": -0.25, "margin_sharpness": 2.5e-7, "worst": -1 / 3e5})
        told = tuple(replace(lesion, words={"margin": "spiculated"}) for lesion in finding.lesions)
        finding = replace(finding, lesions=told)
        source = SourceFrame.of(header, frame if "NumberOfFrames" in header else 0)
        made = make_results(source, finding, algorithm, site, IBSI)[0] if segmented else None
        write_dicom(make_report(source, finding, algorithm, site, made, IBSI), tmp_path / f"{name}.dcm")
        image = Reference(source.sop_class, header.SOPInstanceUID, source.frames)
        groups = list(groups_of(source, finding, algorithm, site, made, IBSI))
        content = build_content(kind_of(source, finding, algorithm, site), image, groups)
        with quiet_libraries():
            whole = highdicom.sr.ComprehensiveSR(
                evidence=[source.header, *([made] if made is not None else [])],
                content=content,
                series_instance_uid=source.series_uid("SR", algorithm),
                series_number=9702,
                sop_instance_uid=source.uid("SR", algorithm),
                instance_number=1,
                is_complete=True,
                coding_schemes=[private_scheme()],
                series_description="Rad-VLSM report: research use only, not for diagnosis",
                **algorithm.equipment,
            )
        write_dicom(source.finish(whole), tmp_path / "whole.dcm")
        got, expected = dcmread(tmp_path / f"{name}.dcm"), dcmread(tmp_path / "whole.dcm")
        assert values_of(got) == values_of(expected)


def test_numbers_of_any_length_keep_their_value() -> None:
    for value in (0.0, 1.0, -1 / 3, -1.2345678901e-300, 12345678901234567.0):
        item = _number(words.AREA, value, words.PIXELS, "iso8859")
        (read,) = read_sequence(BytesIO(item), False, True, len(item), "iso8859")
        assert read.MeasuredValueSequence[0].FloatingPointValue == value
        assert float(read.MeasuredValueSequence[0].NumericValue) == pytest.approx(value, rel=1e-8)
