"""One frame of a DICOM file as an image in [0, 1]: decoding, then the standard's grayscale or colour pipeline."""

from __future__ import annotations

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from scripts.data.pictures import unit_range
from scripts.data.reasons import ReadingProblem, note
from scripts.quiet import quiet_libraries

from .decoding import decode_frame
from .header import DicomHeader
from .lookup_tables import LookupTable, read_palette, read_table
from .syntaxes import NATIVE_SYNTAXES

_DEFLATED = NATIVE_SYNTAXES[2]
_LABELS = {"RGB": "RGB", "YBR_FULL": "YCbCr", "YBR_FULL_422": "YCbCr"}


def read_dicom_frame(
    path: str, header: DicomHeader, frame: int, crop: tuple[int, int, int, int], seconds: float
) -> tuple[np.ndarray, str]:
    """Decode one frame and bring a rectangle of it to display values.

    Args:
        path: the file that ``header`` was read from.
        header: its header.
        frame: 0-based.
        crop: top, left, bottom, right in pixels.
        seconds: time limit for a compressed frame.

    Returns:
        (1, h, w) for gray, (3, h, w) for palette and colour images; float32 in [0, 1]. And a note, "" where the header
        names the colours that are in the pixel data.

    Raises:
        ReadingProblem: why the frame cannot be read.
    """
    with quiet_libraries():
        try:
            stored, colors = _stored_values(path, header, frame, seconds)
            if stored.shape[:2] != (header.rows, header.columns):
                raise ReadingProblem("PIXEL_DECODE_FAILED", "another size than the header says")
            top, left, bottom, right = crop
            return _display_values(stored[top:bottom, left:right], header), _color_note(header.photometric, colors)
        except ReadingProblem:
            raise
        except Exception:  # damaged tables and lengths; a library's words may quote the file
            raise ReadingProblem("PIXEL_DECODE_FAILED") from None


def _color_note(photometric: str, colors: str) -> str:
    mislabelled = colors and _LABELS.get(photometric, colors) != colors
    return note("COLOR_LABEL", f"{colors} in the pixel data, {photometric} in the header") if mislabelled else ""


def _stored_values(path: str, header: DicomHeader, frame: int, seconds: float) -> tuple[np.ndarray, str]:
    """(rows, columns) or (rows, columns, 3), RGB where the file has YBR; and what a JPEG stream says of its colours."""
    if header.transfer_syntax not in NATIVE_SYNTAXES:
        return decode_frame(path, header, frame, seconds)
    try:
        from pydicom.pixels import pixel_array
    except ImportError:
        return _native_with_pydicom_2(path, header, frame), ""
    if header.has_file_meta and header.transfer_syntax != _DEFLATED:
        return pixel_array(path, index=frame, number_of_frames=header.frames), ""  # reads this frame's bytes alone
    dataset = pydicom.dcmread(path, force=True)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(header.transfer_syntax)
    return pixel_array(dataset, index=frame, number_of_frames=header.frames), ""


def _native_with_pydicom_2(path: str, header: DicomHeader, frame: int) -> np.ndarray:
    from pydicom.pixel_data_handlers.util import convert_color_space

    dataset = pydicom.dcmread(path, force=True)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(header.transfer_syntax)
    dataset.NumberOfFrames = header.frames
    stored = dataset.pixel_array
    stored = stored[frame] if header.frames > 1 else stored
    is_ybr = header.photometric in ("YBR_FULL", "YBR_FULL_422")
    return convert_color_space(stored, header.photometric, "RGB") if is_ybr else stored


def _display_values(stored: np.ndarray, header: DicomHeader) -> np.ndarray:
    dataset = header.dataset
    bits = int(dataset.BitsStored)
    if stored.ndim == 3:
        return unit_range(stored, 2**bits - 1)
    signed = bool(dataset.get("PixelRepresentation"))
    little_endian = header.little_endian
    if header.photometric == "PALETTE COLOR":
        palette = read_palette(dataset, signed, little_endian)
        return unit_range(palette(stored), palette.full_scale)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if bits > 16:
        return gray_levels(stored, dataset, low, high, little_endian)[None]
    curve = gray_levels(np.arange(low, high + 1), dataset, low, high, little_endian)
    return LookupTable(curve, low, 1.0)(stored)[None]


def gray_levels(stored: np.ndarray, dataset: Dataset, low: int, high: int, little_endian: bool) -> np.ndarray:
    """Stored values to [0, 1] by the grayscale pipeline (PS3.3 C.11.1, C.11.2, C.7.6.3.1.2): scaled by the range that
    the bits allow, never by what one image happens to hold, so that equal tissue stays equal across images.

    Args:
        stored: integers of any shape.
        dataset: the modality, VOI and presentation elements.
        low: the smallest value that can be stored.
        high: the largest.
        little_endian: byte order of the file's tables.

    Returns:
        float32, same shape.
    """
    values, low, high = _modality(stored, dataset, float(low), float(high), little_endian)
    levels = _voi(values, dataset, low, high, little_endian)
    inverse = dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"
    return np.clip(1.0 - levels if inverse else levels, 0.0, 1.0).astype(np.float32)


def _modality(
    stored: np.ndarray, dataset: Dataset, low: float, high: float, little_endian: bool
) -> tuple[np.ndarray, float, float]:
    if dataset.get("ModalityLUTSequence"):
        item = dataset.ModalityLUTSequence[0]
        table = read_table(item.LUTDescriptor, item.LUTData, low < 0, little_endian)
        return table(stored), 0.0, table.full_scale
    slope, intercept = _number(dataset, "RescaleSlope", 1.0) or 1.0, _number(dataset, "RescaleIntercept", 0.0)
    low, high = sorted((low * slope + intercept, high * slope + intercept))
    return stored * slope + intercept, low, high


def _voi(values: np.ndarray, dataset: Dataset, low: float, high: float, little_endian: bool) -> np.ndarray:
    if dataset.get("VOILUTSequence"):
        item = dataset.VOILUTSequence[0]
        table = read_table(item.LUTDescriptor, item.LUTData, low < 0, little_endian)
        return table(np.round(values)) / table.full_scale
    center, width = _number(dataset, "WindowCenter", np.nan), _number(dataset, "WindowWidth", np.nan)
    function = str(dataset.get("VOILUTFunction")).upper()
    if function not in ("LINEAR_EXACT", "SIGMOID"):  # LINEAR is the default
        center, width = center - 0.5, width - 1.0
    if not (np.isfinite(center) and width >= 0):
        return (values - low) / (high - low)
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / max(width, 1e-6), -60.0, 60.0)))
    return (values - center) / max(width, 1e-6) + 0.5


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    """A display parameter, the first of several alternatives; one that is absent or no number changes nothing."""
    try:
        value = dataset.get(keyword)
        number = float(value[0] if isinstance(value, (list, MultiValue)) else value)
    except Exception:  # pydicom converts on access
        return default
    return number if np.isfinite(number) else default
