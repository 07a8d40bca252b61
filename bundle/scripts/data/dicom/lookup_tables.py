"""DICOM look-up tables, from stored values to [0, 1]: modality, VOI, palette (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5-6).

pydicom's own functions index in the table's data type, so that 8-bit tables of more than 256 entries overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset


@dataclass(frozen=True)
class LookupTable:
    """A table, the input value that its first entry stands for, and the entry value that means full scale."""

    entries: np.ndarray
    first: int
    full_scale: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Entries for integer values; values outside the table take its nearest end."""
        return np.take(self.entries, values.astype(np.int64) - self.first, axis=0, mode="clip")


def read_table(descriptor: Any, data: Any, signed: bool, little_endian: bool) -> LookupTable:
    """Read a table from its descriptor and data elements.

    Args:
        descriptor: number of entries (0 means 65536), first input value, bits per entry.
        data: the entries, as integers or as bytes (8-bit entries may be packed two to a word).
        signed: the first input value is signed.
        little_endian: byte order of the file.

    Raises:
        ValueError: the data do not match the descriptor.
    """
    count, first, bits = (int(value) for value in descriptor)
    count = count or 2**16
    first = first - 2**16 if signed and first >= 2**15 else first
    if isinstance(data, (bytes, bytearray)):
        entries = _unpack(bytes(data), count, little_endian)
    else:
        entries = np.asarray(list(data), dtype=np.int64)
    if len(entries) < count or not 1 <= bits <= 16:
        raise ValueError("the table's data do not match its descriptor")
    entries = entries[:count]
    # Some systems declare 16 bits and store 8.
    full_scale = 255 if bits == 16 and entries.max() <= 255 else 2**bits - 1
    return LookupTable(entries, first, float(full_scale))


def _unpack(data: bytes, count: int, little_endian: bool) -> np.ndarray:
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little_endian else ">u2")
    if len(data) >= 2 * count:
        return words
    return np.frombuffer(words.astype("<u2").tobytes(), np.uint8)  # big endian words hold their two entries swapped


def read_palette(dataset: Dataset, signed: bool, little_endian: bool) -> LookupTable:
    """The three palettes of a PALETTE COLOR image as one table with entries (N, 3).

    Raises:
        ValueError, AttributeError: no palette, or a damaged one.
    """
    descriptor = dataset.RedPaletteColorLookupTableDescriptor
    if "RedPaletteColorLookupTableData" not in dataset:
        return _segmented_palette(dataset, descriptor, signed)
    tables = [
        read_table(descriptor, getattr(dataset, f"{color}PaletteColorLookupTableData"), signed, little_endian)
        for color in ("Red", "Green", "Blue")
    ]
    entries = np.stack([table.entries for table in tables], axis=-1)
    return LookupTable(entries, tables[0].first, max(table.full_scale for table in tables))


def _segmented_palette(dataset: Dataset, descriptor: Any, signed: bool) -> LookupTable:
    """Segments are expanded by pydicom, whose look-up of each index in turn is the table."""
    try:
        from pydicom.pixels import apply_color_lut
    except ImportError:  # pydicom 2
        from pydicom.pixel_data_handlers.util import apply_color_lut
    count, first, bits = (int(value) for value in descriptor)
    first = first - 2**16 if signed and first >= 2**15 else first
    entries = apply_color_lut(np.arange(first, first + (count or 2**16)), dataset)[..., :3]
    return LookupTable(entries, first, 2.0**bits - 1)
