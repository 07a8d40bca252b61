"""Content like that of an earlier report at little cost: items that are the same are not built and encoded again."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from highdicom import sr
from pydicom import Dataset
from pydicom.charset import default_encoding
from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence_item
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import SegmentationStorage
from pydicom.valuerep import DSfloat

from . import codes as words
from .content import Group, Kind, Reference, build_content

#: Encodings of text, as pydicom takes them; a tuple, since they are part of keys.
CharacterSet = str | tuple[str, ...]

_CONTENT = Tag("ContentSequence")
_MEASUREMENTS, _TRACKING_ID, _TRACKING_UID = "126010", "112039", "112040"  # of the scheme DCM
_LONGEST_DS = 16


class ContentTemplate:
    """The content of reports of one kind: highdicom builds the first, whose items are filled again with other values.

    Args:
        kind: of report.
        frames: the image has several frames.
        segmented: its groups refer to segments.
        character_set: of the report.
    """

    def __init__(self, kind: Kind, frames: bool, segmented: bool, character_set: CharacterSet) -> None:
        group = Group(
            tracking=("2.25.1", "name"),
            evaluations=[(words.LESION_PRESENCE, words.PRESENT)],
            measurements=[(words.AREA, 1.0, words.PIXELS)] if kind.found else [],
            segment=Reference(SegmentationStorage, "2.25.3", [1]) if segmented else None,
        )
        self._root = build_content(kind, Reference("2.25.4", "2.25.2", [1] if frames else None), [group])
        self._character_set = character_set
        self._constant: dict[int, bytes] = {}

    def title(self) -> Dataset:
        """The root container without its content."""
        title = Dataset()
        title.update({tag: element for tag, element in self._root.items() if tag != _CONTENT})
        return title

    def fill(self, image: Reference, groups: Sequence[Group]) -> RawDataElement:
        """The root's content, encoded (explicit VR, little endian).

        Args:
            image: what was analysed.
            groups: one for each lesion, or one of the image.
        """
        return _sequence(self._filled(child, image, groups) for child in self._root.ContentSequence)

    def _filled(self, item: Dataset, image: Reference, groups: Sequence[Group]) -> bytes:
        if item.ValueType == "IMAGE":
            return self._referring(item, image)
        if item.ValueType != "CONTAINER":
            return self._same(item)
        if _name(item) == _MEASUREMENTS:
            (group,) = item.ContentSequence
            children = (self._encode(group, _sequence(self._grouped(group, image, values))) for values in groups)
        else:
            children = (self._filled(child, image, groups) for child in item.ContentSequence)
        return self._encode(item, _sequence(children))

    def _grouped(self, group: Dataset, image: Reference, values: Group) -> Iterator[bytes]:
        for item in group.ContentSequence:
            if item.ValueType == "NUM":
                yield from (_number(*measured, self._character_set) for measured in values.measurements)
            elif _name(item) == words.LESION_PRESENCE.value:
                yield from (_evaluation(*said, self._character_set) for said in values.evaluations)
            elif item.ValueType == "IMAGE":
                of_segment = item.ReferencedSOPSequence[0].ReferencedSOPClassUID == SegmentationStorage
                yield self._referring(item, values.segment if of_segment else image)
            elif _name(item) == _TRACKING_ID:
                yield self._encode(item, TextValue=values.tracking[1])
            elif _name(item) == _TRACKING_UID:
                yield self._encode(item, UID=values.tracking[0])
            else:
                yield self._same(item)

    def _referring(self, item: Dataset, to: Reference) -> bytes:
        reference = Dataset()
        reference.update(item.ReferencedSOPSequence[0])
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = to.sop_class, to.instance
        if "ReferencedFrameNumber" in reference:
            reference.ReferencedFrameNumber = list(to.frames)
        content = _sequence(map(self._same, item.ContentSequence)) if _CONTENT in item else None
        return self._encode(item, content, ReferencedSOPSequence=[reference])

    def _encode(self, item: Dataset, content: RawDataElement | None = None, **values: object) -> bytes:
        """An item with other values, and other content."""
        other = Dataset()
        other.update(item)
        for keyword, value in values.items():
            setattr(other, keyword, value)
        if content is not None:
            other[_CONTENT] = content
            other.set_original_encoding(False, True, default_encoding)  # else pydicom would decode its content again
        return _encoded(other, self._character_set)

    def _same(self, item: Dataset) -> bytes:
        if id(item) not in self._constant:
            self._constant[id(item)] = _encoded(item, self._character_set)
        return self._constant[id(item)]


@lru_cache(maxsize=128)
def content_template(kind: Kind, frames: bool, segmented: bool, character_set: CharacterSet) -> ContentTemplate:
    """A :class:`ContentTemplate`, made once."""
    return ContentTemplate(kind, frames, segmented, character_set)


def _name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].get("CodeValue", ""))


def _sequence(items: Iterable[bytes]) -> RawDataElement:
    value = b"".join(items)
    return RawDataElement(_CONTENT, "SQ", len(value), value, 0, False, True)


def _encoded(item: Dataset, character_set: CharacterSet) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_sequence_item(buffer, item, character_set if isinstance(character_set, str) else list(character_set))
    return buffer.getvalue()


@lru_cache(maxsize=1024)
def _evaluation(name: Code, value: Code, character_set: CharacterSet) -> bytes:
    return _encoded(sr.QualitativeEvaluation(name, value)[0], character_set)


def _number(name: Code, value: float, unit: Code, character_set: CharacterSet) -> bytes:
    """As ``sr.Measurement(name, value, unit)`` is encoded, but for spaces behind the decimal string."""
    before, between = _around_number(name, unit, character_set)
    text = str(DSfloat(value, auto_format=True)).encode()
    return before + struct.pack("<d", value) + between + text.ljust(_LONGEST_DS)


@lru_cache(maxsize=1024)
def _around_number(name: Code, unit: Code, character_set: CharacterSet) -> tuple[bytes, bytes]:
    """What stands before the floating-point value, and between it and the decimal string, which is the item's end."""
    longest = -1.0 / 3  # its decimal string has all characters that one can have
    item = _encoded(sr.Measurement(name, longest, unit)[0], character_set)
    end = len(item) - _LONGEST_DS
    place = item.index(struct.pack("<d", longest))
    return item[:place], item[place + 8 : end]
