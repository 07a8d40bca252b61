"""Ultrasound regions: where the B-mode picture lies in the frame, and how large its pixels are.

DICOM PS3.3 C.8.5.5, US Region Calibration Module. Spacing is in mm, row spacing first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydicom.dataset import Dataset

#: Spacing provenances, as in the sample's ``source``.
REGIONS, PIXEL_SPACING, UNKNOWN, STALE_REGION = "regions", "pixel_spacing", "unknown", "stale_region"

_2D = 1  # Region Spatial Format
_TISSUE, _COLOR_FLOW = 1, 2  # Region Data Type
_CENTIMETRES = 3  # Physical Units X/Y Direction


@dataclass(frozen=True)
class Region:
    """A rectangle of the frame and its calibration.

    Attributes:
        crop: top, left, bottom, right in pixels, bottom and right exclusive.
        spacing: (row_mm, column_mm), or () where unknown.
        provenance: where ``spacing`` comes from, or why there is none.
    """

    crop: tuple[int, int, int, int]
    spacing: tuple[float, float] | tuple[()] = ()
    provenance: str = UNKNOWN


@dataclass(frozen=True)
class Geometry:
    """What a header says of its frame's layout.

    Attributes:
        frame: the whole frame, with its regions' spacing where they agree.
        regions: its B-mode regions in the header's order; empty where none is given or trustworthy.
        color_flow: the header names a colour flow region.
    """

    frame: Region
    regions: tuple[Region, ...] = ()
    color_flow: bool = False

    def select(self, region: int) -> Region:
        """The ``region``-th B-mode region, or the whole frame for -1."""
        return self.frame if region < 0 else self.regions[region]


def read_geometry(header: Dataset, rows: int, columns: int) -> Geometry:
    """Read the B-mode regions and the spacing of a frame.

    A region may overstep the frame by one pixel (some vendors write the size where the last index belongs) and is
    clamped. A region of any kind that oversteps it further shows that the picture was resized or cut after the header
    was written; the header cannot tell which, so that neither crops nor calibration can be trusted.

    Args:
        header: a data set with SequenceOfUltrasoundRegions and PixelSpacing, where present.
        rows: of the frame.
        columns: of the frame.
    """
    whole = (0, 0, rows, columns)
    items = _items(header)
    boxes = [_box(item) for item in items]
    if any(box is not None and (box[2] > rows + 1 or box[3] > columns + 1) for box in boxes):
        return Geometry(Region(whole, provenance=STALE_REGION))
    spacing = _pixel_spacing(header)
    frame = Region(whole, spacing, PIXEL_SPACING if spacing else UNKNOWN)

    found: dict[int, list[Region]] = {_TISSUE: [], _COLOR_FLOW: []}
    for item, box in zip(items, boxes, strict=True):
        data_type = _integer(item, "RegionDataType")
        if box is None or _integer(item, "RegionSpatialFormat") != _2D or data_type not in found:
            continue
        top, left, bottom, right = box[0], box[1], min(box[2], rows), min(box[3], columns)
        if bottom - top < 2 or right - left < 2:
            continue
        calibration = _calibration(item)
        provenance = REGIONS if calibration else frame.provenance
        region = Region((top, left, bottom, right), calibration or spacing, provenance)
        if region.crop not in (other.crop for other in found[data_type]):
            found[data_type].append(region)
    # A colour box lies on its tissue picture; on its own it still says where the picture is.
    regions = tuple(found[_TISSUE] or found[_COLOR_FLOW])
    if len({(region.spacing, region.provenance) for region in regions}) == 1:
        frame = Region(whole, regions[0].spacing, regions[0].provenance)
    return Geometry(frame, regions, color_flow=bool(found[_COLOR_FLOW]))


def _box(item: Dataset) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right, exclusive, or None where one is missing or they make no rectangle."""
    names = ("MinY0", "MinX0", "MaxY1", "MaxX1")
    top, left, last_row, last_column = (_integer(item, "RegionLocation" + name) for name in names)
    if top is None or left is None or last_row is None or last_column is None:
        return None
    return (top, left, last_row + 1, last_column + 1) if 0 <= top <= last_row and 0 <= left <= last_column else None


def _calibration(item: Dataset) -> tuple[float, float] | tuple[()]:
    """(row_mm, column_mm) of a region in centimetres; deltas may be negative, zero means none."""
    if any(_integer(item, f"PhysicalUnits{axis}Direction") != _CENTIMETRES for axis in "XY"):
        return ()
    return _positive([abs(10.0 * _float(item, f"PhysicalDelta{axis}")) for axis in "YX"])


def _pixel_spacing(header: Dataset) -> tuple[float, float] | tuple[()]:
    try:
        return _positive([float(value) for value in header.get("PixelSpacing") or []])
    except Exception:  # pydicom converts on access: anything may be wrong with a damaged value
        return ()


def _positive(pair: list[float]) -> tuple[float, float] | tuple[()]:
    good = len(pair) == 2 and all(math.isfinite(value) and value > 0 for value in pair)
    return (pair[0], pair[1]) if good else ()


def _items(header: Dataset) -> list[Dataset]:
    try:
        return [item for item in header.get("SequenceOfUltrasoundRegions") or [] if isinstance(item, Dataset)]
    except Exception:  # as above
        return []


def _integer(item: Dataset, keyword: str) -> int | None:
    try:
        return int(item.get(keyword))
    except Exception:  # absent, several values, or damaged
        return None


def _float(item: Dataset, keyword: str) -> float:
    try:
        return float(item.get(keyword))
    except Exception:  # as above
        return math.nan
