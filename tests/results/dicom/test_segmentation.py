"""DICOM Segmentations: read back with highdicom, checked by dciodvfy, filed under the right patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UltrasoundMultiFrameImageStorage

highdicom = pytest.importorskip("highdicom")

from scripts.findings import Finding  # noqa: E402
from scripts.results.dicom.archive import AlgorithmIdentity, DicomResultError, SourceFrame, write_dicom  # noqa: E402
from scripts.results.dicom.segmentation import make_segmentation  # noqa: E402
from scripts.sites import Site  # noqa: E402

Find = Callable[..., Finding]


def last_frame(header: Dataset) -> int:
    return int(header.get("NumberOfFrames") or 1) - 1


def pixels_of(path: Path, header: Dataset, frame: int) -> np.ndarray:
    """The segment on the source's grid, found through the reference to the source."""
    segmentation = highdicom.seg.segread(path)
    if header.SOPClassUID == UltrasoundMultiFrameImageStorage:
        pixels = segmentation.get_pixels_by_source_frame(header.SOPInstanceUID, [frame + 1])
    else:
        pixels = segmentation.get_pixels_by_source_instance([header.SOPInstanceUID])
    return pixels[0, ..., 0]


def test_a_real_file_gets_its_mask_back(
    real_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site, tmp_path: Path
) -> None:
    frame, finding = last_frame(real_header), find(real_header)
    made = make_segmentation(SourceFrame.of(real_header, frame), finding, algorithm, site)
    write_dicom(made, tmp_path / "seg.dcm")
    np.testing.assert_array_equal(pixels_of(tmp_path / "seg.dcm", real_header, frame), finding.mask)
    written = highdicom.seg.segread(tmp_path / "seg.dcm")
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "StudyID"):
        assert (written.get(keyword) or "") == (real_header.get(keyword) or ""), keyword
    assert written.SeriesInstanceUID != real_header.SeriesInstanceUID
    assert [p.name for p in tmp_path.iterdir()] == ["seg.dcm"]


def test_dciodvfy_finds_no_error(
    real_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:
    source = SourceFrame.of(real_header, last_frame(real_header))
    assert errors_of_dciodvfy(make_segmentation(source, find(real_header), algorithm, site)) == []


def test_the_segment_says_what_and_who(
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
) -> None:
    result = make_segmentation(SourceFrame.of(plain_header), find(plain_header), algorithm, site)
    segment = result.SegmentSequence[0]
    who = segment.SegmentationAlgorithmIdentificationSequence[0]
    side = segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0]
    assert (segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning, side.CodeMeaning) == ("Mass", "Left")
    assert (who.AlgorithmVersion, "ab" * 32 in who.AlgorithmParameters) == ("1.2.3", True)
    assert "c0ffee" in who.AlgorithmParameters
    assert (result.PatientName, result.IssuerOfPatientID, result.StudyTime) == ("Müller^Zoë", "Ward 3", "101112.5")
    assert errors_of_dciodvfy(result) == []


def test_uids_follow_source_content_frame_region_weights_and_configuration(
    cine_header: Dataset, algorithm: AlgorithmIdentity, find: Find, site: Site
) -> None:
    finding = find(cine_header)

    def made(changed: AlgorithmIdentity = algorithm, **place: int) -> Dataset:
        return make_segmentation(SourceFrame.of(cine_header, **place), finding, changed, site)

    first, again = made(frame=3), made(frame=3)
    for now in (first, again):  # the clock is all that two runs may differ in
        for keyword in "ContentDate ContentTime InstanceCreationDate InstanceCreationTime".split():
            delattr(now, keyword)
        del now.ContributingEquipmentSequence
    assert first == again
    others = [
        made(frame=4),
        made(frame=3, region=1),
        made(AlgorithmIdentity("1.2.3", "cd" * 32, "c0ffee"), frame=3),
        made(AlgorithmIdentity("1.2.3", "ab" * 32, "decaf"), frame=3),
        made(frame=3, content="c0de"),  # another image with the same SOP Instance UID
    ]
    assert len({other.SOPInstanceUID for other in (first, *others)}) == 6
    assert [other.SeriesInstanceUID == first.SeriesInstanceUID for other in others] == [True, True, False, False, True]
    source = first.SourceImageSequence[0]
    assert (source.ReferencedSOPClassUID, source.ReferencedFrameNumber) == (UltrasoundMultiFrameImageStorage, 4)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda h: h.__delattr__("StudyInstanceUID"), "NO_STUDY_UID"),
        (lambda h: setattr(h, "StudyInstanceUID", ""), "NO_STUDY_UID"),
        (lambda h: h.__delattr__("SeriesInstanceUID"), "NO_INSTANCE_UID"),
        (lambda h: setattr(h, "Rows", 47), "MASK_SIZE"),
    ],
)
def test_what_cannot_be_written_has_a_code(
    spoil: Callable[[Dataset], None],
    code: str,
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
) -> None:
    finding = find(plain_header)
    spoil(plain_header)
    with pytest.raises(DicomResultError, match=f"^{code} ") as failure:
        make_segmentation(SourceFrame.of(plain_header), finding, algorithm, site)
    assert failure.value.code == code


@pytest.mark.filterwarnings("ignore:(Invalid value|The value length)")  # of the header that the test spoils
def test_a_header_that_breaks_highdicom_is_repaired(
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    errors_of_dciodvfy: Callable[[Dataset], list[str]],
    tmp_path: Path,
) -> None:
    plain_header.SOPClassUID, plain_header.NumberOfFrames = UltrasoundMultiFrameImageStorage, 1
    plain_header.StudyDate, plain_header.StudyTime, plain_header.PatientBirthDate = "2026.02.03", "10:11:12", "1970"
    plain_header.PatientSex, plain_header.Manufacturer = "UNKNOWN", "M" * 70
    plain_header.SpecificCharacterSet = "ISO_IR 999"
    del plain_header.PatientID, plain_header.AccessionNumber, plain_header.ReferringPhysicianName
    finding = find(plain_header)
    result = make_segmentation(SourceFrame.of(plain_header), finding, algorithm, site)
    assert (result.StudyDate, result.StudyTime, result.PatientBirthDate) == ("20260203", "101112", "")
    assert (result.PatientID, result.PatientSex, result.PatientName) == ("", "", "Müller^Zoë")
    assert errors_of_dciodvfy(result) == []
    write_dicom(result, tmp_path / "seg.dcm")
    np.testing.assert_array_equal(pixels_of(tmp_path / "seg.dcm", plain_header, 0), finding.mask)


@pytest.mark.parametrize("characters", [["", "ISO 2022 IR 87"], "ISO_IR 144"])
def test_names_keep_their_script(
    characters: str | list[str],
    plain_header: Dataset,
    algorithm: AlgorithmIdentity,
    find: Find,
    site: Site,
    tmp_path: Path,
) -> None:
    plain_header.SpecificCharacterSet = characters
    plain_header.PatientName = name = "Yamada^Tarou=山田^太郎" if isinstance(characters, list) else "Люкceмбypг"
    plain_header.StudyDescription = plain_header.ReferringPhysicianName = ""
    result = make_segmentation(SourceFrame.of(plain_header), find(plain_header), algorithm, site)
    write_dicom(result, tmp_path / "seg.dcm")
    assert highdicom.seg.segread(tmp_path / "seg.dcm").PatientName == name
