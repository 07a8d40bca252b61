"""Which images validate, where the authors of a data set do not say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

VALIDATION_SHARE = 0.25


def split_groups(
    items: Sequence[Mapping[str, Any]], share: float = VALIDATION_SHARE
) -> dict[str, list[dict[str, Any]]]:
    """Sections ``training`` and ``validation`` by group: in the order of a hash of the groups' names the first ones of
    each class validate. The split depends on the names alone.

    Args:
        items: with ``group`` and, where it is known, ``diagnosis``; that of its first item is the group's.
        share: of the groups of each class that validate.
    """
    members: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        members.setdefault(str(item["group"]), []).append(item)
    by_class: dict[str, list[str]] = {}
    for group, own in members.items():
        by_class.setdefault(str(own[0].get("diagnosis")), []).append(group)
    validating: set[str] = set()
    for groups in by_class.values():
        groups.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        validating |= set(groups[: round(share * len(groups))])
    sections: dict[str, list[dict[str, Any]]] = {"training": [], "validation": []}
    for item in items:
        sections["validation" if str(item["group"]) in validating else "training"].append(dict(item))
    return sections
