"""Many measurements in a report at little cost: highdicom makes each kind of item once, and copies get other values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from highdicom import sr
from pydicom import Dataset, Sequence
from pydicom.sr.coding import Code
from pydicom.valuerep import DSfloat

#: Name, value and unit.
Measured = tuple[Code, float, Code]


def add_measurements(report: Dataset, lesions: Iterable[Iterable[Measured]]) -> None:
    """Put measurements behind those that the measurement groups of a report have; in place.

    Building a report, highdicom copies and searches all its content several times over; what is put in afterwards is
    spared that.

    Args:
        report: of :class:`highdicom.sr.MeasurementReport`, each of its groups with a measurement at least.
        lesions: of each group.
    """
    for group, values in zip(_containers(report, "126010", "125007"), lesions, strict=True):
        content = list(group.ContentSequence)
        end = max(place for place, item in enumerate(content) if item.ValueType == "NUM") + 1
        items = [_item(*measured) for measured in values]
        # By its element: as an attribute, highdicom would copy and check every item.
        group["ContentSequence"].value = Sequence([*content[:end], *items, *content[end:]])


def _containers(dataset: Dataset, *codes: str) -> Iterator[Dataset]:
    """The containers of the last of these concepts in those of the one before it (TID 1500)."""
    for item in dataset.ContentSequence:
        if item.ValueType == "CONTAINER" and item.ConceptNameCodeSequence[0].CodeValue == codes[0]:
            if len(codes) == 1:
                yield item
            else:
                yield from _containers(item, *codes[1:])


def _item(name: Code, value: float, unit: Code) -> Dataset:
    """As ``sr.Measurement(name, value, unit)`` makes it."""
    made = _made_once(name, unit)
    measured, item = Dataset(), Dataset()
    measured.update(made.MeasuredValueSequence[0])
    measured.NumericValue, measured.FloatingPointValue = DSfloat(value, auto_format=True), value
    item.update(made)
    item.MeasuredValueSequence = Sequence([measured])
    return item


@lru_cache(maxsize=1024)
def _made_once(name: Code, unit: Code) -> Dataset:
    return sr.Measurement(name, 0.0, unit)[0]
