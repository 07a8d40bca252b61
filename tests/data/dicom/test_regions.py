"""Regions and spacing: trusted only where they fit, and always with their provenance."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from scripts.data.dicom.regions import Region, read_geometry

ROWS, COLUMNS = 300, 400


def geometry(*regions: Dataset, **elements: object):
    header = Dataset()
    if regions:
        header.SequenceOfUltrasoundRegions = list(regions)
    for keyword, value in elements.items():
        setattr(header, keyword, value)
    return read_geometry(header, ROWS, COLUMNS)


def test_no_region_is_the_whole_frame_without_spacing():
    assert geometry().frame == Region((0, 0, ROWS, COLUMNS), (), "unknown")
    assert geometry().regions == ()


def test_spacing_is_row_then_column_in_millimetres_and_last_pixels_belong_to_the_region(make_region):
    found = geometry(make_region(10, 20, 209, 319, PhysicalDeltaX=0.03, PhysicalDeltaY=-0.02)).regions
    assert [region.crop for region in found] == [(10, 20, 210, 320)]
    assert found[0].spacing == pytest.approx((0.2, 0.3))
    assert found[0].provenance == "regions"


def test_one_pixel_over_the_edge_is_clamped(make_region):
    assert geometry(make_region(10, 20, ROWS, COLUMNS)).regions[0].crop == (10, 20, ROWS, COLUMNS)


@pytest.mark.parametrize("elements", [{}, {"PixelSpacing": ["0.1", "0.1"]}])
@pytest.mark.parametrize("kind", [1, 4])
def test_a_region_that_does_not_fit_makes_all_calibration_stale(make_region, elements, kind):
    stale = make_region(0, 0, ROWS + 1, COLUMNS - 1, RegionSpatialFormat=kind)
    found = geometry(make_region(10, 20, 209, 319), stale, **elements)
    assert found.regions == ()
    assert found.frame == Region((0, 0, ROWS, COLUMNS), (), "stale_region")


def test_only_two_dimensional_tissue_counts(make_region):
    trace = make_region(210, 0, 299, 399, RegionSpatialFormat=4, RegionDataType=10)
    bar = make_region(0, 0, 99, 9, RegionSpatialFormat=0, RegionDataType=13, PhysicalDeltaX=0.0, PhysicalDeltaY=0.0)
    assert [region.crop for region in geometry(trace, make_region(10, 20, 209, 319), bar).regions] == [
        (10, 20, 210, 320)
    ]


def test_a_dual_view_has_two_regions_and_a_repeated_one_counts_once(make_region):
    found = geometry(make_region(0, 0, 299, 199), make_region(0, 200, 299, 399), make_region(0, 0, 299, 199))
    assert [region.crop for region in found.regions] == [(0, 0, 300, 200), (0, 200, 300, 400)]


def test_colour_flow_marks_the_frame_and_gives_way_to_tissue(make_region):
    flow = make_region(50, 50, 149, 149, RegionDataType=2)
    assert geometry(flow).color_flow
    assert [region.crop for region in geometry(flow).regions] == [(50, 50, 150, 150)]
    both = geometry(flow, make_region(10, 20, 209, 319))
    assert both.color_flow
    assert [region.crop for region in both.regions] == [(10, 20, 210, 320)]


@pytest.mark.parametrize(
    "elements", [{"PhysicalDeltaX": 0.0}, {"PhysicalDeltaY": float("nan")}, {"PhysicalUnitsXDirection": 4}]
)
def test_an_uncalibrated_region_is_cropped_and_falls_back_to_pixel_spacing(make_region, elements):
    region = make_region(10, 20, 209, 319, **elements)
    assert geometry(region).regions == (Region((10, 20, 210, 320), (), "unknown"),)
    spaced = geometry(region, PixelSpacing=["0.2", "0.1"])
    assert spaced.regions == (Region((10, 20, 210, 320), (0.2, 0.1), "pixel_spacing"),)


@pytest.mark.parametrize("spacing", [["0", "0.1"], ["-1", "1"], ["0.1"]])
def test_impossible_pixel_spacing_is_unknown(spacing):
    assert geometry(PixelSpacing=spacing).frame.provenance == "unknown"
