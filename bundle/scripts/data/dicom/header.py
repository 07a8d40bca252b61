"""The header of a DICOM file, checked: everything that can be known without decoding a pixel."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from scripts.data.limits import MAX_PIXELS, check_size
from scripts.data.reasons import ReadingProblem
from scripts.quiet import quiet_libraries

from .pixel_stream import PixelElement, PixelStream, measure_pixel_element
from .regions import Geometry, read_geometry
from .sop_classes import check_is_ultrasound
from .syntaxes import NATIVE_SYNTAXES, PLUGINS

_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)  # float, double float, integer
_KEYWORDS = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID Modality "
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns "
    "BitsAllocated BitsStored HighBit PixelRepresentation PixelSpacing SequenceOfUltrasoundRegions "
    "RescaleSlope RescaleIntercept ModalityLUTSequence WindowCenter WindowWidth VOILUTFunction VOILUTSequence "
    "PresentationLUTShape "
    "RedPaletteColorLookupTableDescriptor RedPaletteColorLookupTableData SegmentedRedPaletteColorLookupTableData "
    "GreenPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData "
    "BluePaletteColorLookupTableDescriptor BluePaletteColorLookupTableData SegmentedBluePaletteColorLookupTableData"
).split()
_TAGS = [Tag(keyword) for keyword in _KEYWORDS]
_PHOTOMETRIC = {
    1: ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"),
    3: ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"),
}
_UID = re.compile(r"[0-9.]{1,64}")
_IMPLICIT, _EXPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


@dataclass(frozen=True)
class DicomHeader:
    """What reading needs of a DICOM ultrasound image.

    Attributes:
        rows, columns, frames: the pixel grid; ``frames`` are those in the pixel data, 1 for a still.
        promised_frames: Number of Frames as the header says it; None where it does not.
        pixels: where the pixel data lies in the file; None where the data set is deflated.
        photometric: Photometric Interpretation.
        transfer_syntax: UID; guessed from the encoding where the file has none.
        has_file_meta: the file names its transfer syntax itself.
        sop_instance_uid: "" where absent or no valid UID.
        study_instance_uid: "" where it is missing or no UID.
        geometry: B-mode regions and spacing.
        little_endian: byte order of the data set.
        dataset: the elements of the pixel and look-up table modules, without pixel data and patient module.
    """

    rows: int
    columns: int
    frames: int
    promised_frames: int | None
    photometric: str
    transfer_syntax: str
    has_file_meta: bool
    sop_instance_uid: str
    study_instance_uid: str
    little_endian: bool
    geometry: Geometry
    dataset: Dataset
    pixels: PixelStream | None = None


def read_dicom_header(path: str, any_modality: bool = False) -> DicomHeader:
    """Read and check a header; no pixel is decoded.

    Args:
        path: a DICOM file, with or without preamble.
        any_modality: accept images of other modalities.

    Raises:
        ReadingProblem: everything that the header can tell.
    """
    with quiet_libraries():
        try:
            with open(path, "rb") as file:
                return _read(file, os.fstat(file.fileno()).st_size, any_modality)
        except ReadingProblem:
            raise
        except OSError:
            raise ReadingProblem("UNREADABLE", "the file cannot be opened") from None
        except Exception:  # pydicom raises nearly anything on damaged headers; its words may quote the file
            raise ReadingProblem("NOT_DICOM", "damaged header", status="failed") from None


def _read(file: BinaryIO, size: int, any_modality: bool) -> DicomHeader:
    _check_inflated_size(file)
    pixels: PixelElement | None = None
    end: int | None = 0

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        nonlocal pixels, end
        if tag in _PIXEL_TAGS:
            pixels = PixelElement(file.tell(), length, integer=tag == _PIXEL_TAGS[-1])
            return True
        end = None if length == 0xFFFFFFFF else file.tell() + length
        return False

    bare = not _has_preamble(file)
    try:
        dataset = read_partial(file, stop_when=at_pixels, force=True, specific_tags=_TAGS)
    except EOFError:
        raise ReadingProblem("TRUNCATED", "the header is cut") from None

    sop_class, modality = _text(dataset, "SOPClassUID"), _text(dataset, "Modality")
    if bare and not UID(sop_class).is_valid:
        raise ReadingProblem("NOT_DICOM", "begins like DICOM without a preamble", status="failed")
    deflated = _text(dataset.file_meta, "TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    if pixels is None and not deflated:
        cut = end != size if end is not None else not _ends_with_delimiter(file, size)
        if cut:
            raise ReadingProblem("TRUNCATED", "the header is cut")
    check_is_ultrasound(sop_class, modality, any_modality)
    if pixels is None:
        raise ReadingProblem("NO_PIXEL_DATA")
    header = _checked(dataset)
    encapsulated = header.transfer_syntax not in NATIVE_SYNTAXES
    size = pixels.start + pixels.length if deflated else size  # then both count inflated bytes
    stream = measure_pixel_element(file, size, pixels, encapsulated, header.frames, _frame_bytes(header))
    return replace(header, frames=stream.frames, pixels=None if deflated else stream)


def _checked(dataset: Dataset) -> DicomHeader:
    """The pixel module, or the reason why it cannot be read."""
    syntax, named = _transfer_syntax(dataset)
    if syntax not in NATIVE_SYNTAXES and syntax not in PLUGINS:
        name = UID(syntax).name if UID(syntax).is_transfer_syntax else "unknown"
        raise ReadingProblem("UNSUPPORTED_TRANSFER_SYNTAX", name)
    rows, columns, samples = (_integer(dataset, word) for word in ("Rows", "Columns", "SamplesPerPixel"))
    photometric = _text(dataset, "PhotometricInterpretation")
    if rows is None or columns is None or samples is None or not photometric:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "the header does not describe the pixels")
    if photometric not in _PHOTOMETRIC.get(samples, ()):
        raise ReadingProblem("PIXEL_DECODE_FAILED", "this photometric interpretation is not supported")
    allocated, stored = _integer(dataset, "BitsAllocated"), _integer(dataset, "BitsStored")
    if allocated not in (1, 8, 16, 32) or stored is None or not 1 <= stored <= allocated:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "this number of bits is not supported")
    check_size(rows, columns)
    frames = _integer(dataset, "NumberOfFrames")
    return DicomHeader(
        rows=rows,
        columns=columns,
        frames=max(1, frames or 1),
        promised_frames=frames,
        photometric=photometric,
        transfer_syntax=syntax,
        has_file_meta=named,
        sop_instance_uid=_uid(dataset, "SOPInstanceUID"),
        study_instance_uid=_uid(dataset, "StudyInstanceUID"),
        little_endian=syntax != _BIG_ENDIAN,
        geometry=read_geometry(dataset, rows, columns),
        dataset=dataset,
    )


def _uid(dataset: Dataset, keyword: str) -> str:
    uid = _text(dataset, keyword)
    return uid if _UID.fullmatch(uid) else ""


def _transfer_syntax(dataset: Dataset) -> tuple[str, bool]:
    named = _text(dataset.file_meta, "TransferSyntaxUID")
    if named:
        return named, True
    try:
        implicit, little_endian = dataset.original_encoding[:2]
    except AttributeError:  # pydicom 2
        implicit, little_endian = dataset.is_implicit_VR, dataset.is_little_endian
    return (_IMPLICIT if implicit else _EXPLICIT if little_endian else _BIG_ENDIAN), False


def _frame_bytes(header: DicomHeader) -> int:
    """Bytes of one native frame; half the chroma samples are left out in YBR_FULL_422 (PS3.3 C.7.6.3.1.2)."""
    samples = 2 if header.photometric == "YBR_FULL_422" else _integer(header.dataset, "SamplesPerPixel") or 1
    return header.rows * header.columns * samples * (_integer(header.dataset, "BitsAllocated") or 8) // 8


def _has_preamble(file: BinaryIO) -> bool:
    file.seek(128)
    found = file.read(4) == b"DICM"
    file.seek(0)
    return found


def _ends_with_delimiter(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 8))
    return file.read(8) in (b"\xfe\xff\xdd\xe0" + bytes(4), b"\xff\xfe\xe0\xdd" + bytes(4))


def _check_inflated_size(file: BinaryIO) -> None:
    """A deflated data set is inflated whole by pydicom: measure it first, so that no file can fill the memory."""
    head = file.read(1024)
    file.seek(0)
    if DeflatedExplicitVRLittleEndian.encode() not in head or head[128:136] != b"DICM\x02\x00\x00\x00":
        return
    file.seek(144 + int.from_bytes(head[140:144], "little"))
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while not inflater.eof and (chunk := inflater.unconsumed_tail or file.read(2**16)):
            inflated += len(inflater.decompress(chunk, 2**20))
            if inflated > 8 * MAX_PIXELS:
                raise ReadingProblem("UNUSABLE_IMAGE", "too large when inflated")
    except zlib.error:
        raise ReadingProblem("PIXEL_DECODE_FAILED", "damaged deflate stream") from None
    if not inflater.eof:
        raise ReadingProblem("TRUNCATED", "the deflate stream is cut")
    file.seek(0)


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        return str(dataset.get(keyword) or "").strip()
    except Exception:  # pydicom converts on access
        return ""


def _integer(dataset: Dataset, keyword: str) -> int | None:
    value: Any = None
    try:
        value = dataset.get(keyword)
        return None if value is None else int(value)
    except Exception:  # as above
        return None
