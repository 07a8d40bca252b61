"""What the result files of each row are called: after their input, distinct, and valid on the disk."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

# Only these: UIDs contain dots.
_SUFFIXES = re.compile(r"(?i)\.(dcm|png|jpe?g|nii|nii\.gz)$")
# Most file systems allow 255 bytes; ".png" and a temporary name's additions must fit too.
_LONGEST = 200

Key = tuple[str, int, int]


def item_key(item: Mapping[str, Any]) -> Key:
    """What makes a row one of a kind: input, frame and B-mode region (-1: the whole frame)."""
    return str(item["input"]), int(item["frame"]), int(item["region"])


def name_results(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Relative names without suffix, one per item: ``<input>[_fNNN][_rN]``.

    The input's suffix is dropped, but kept for inputs whose results would otherwise share a name (or be a file where
    another needs a folder). Frames are named where an input has more than one, regions where there are any.

    Args:
        items: work items of :func:`scripts.data.discover`.

    Returns:
        Distinct names with forward slashes, in the order of the items.
    """
    keys = [item_key(item) for item in items]
    frames = defaultdict(set)
    for name, frame, _ in keys:
        frames[name].add(frame)

    def full_name(key: Key, stem: Callable[[str], str]) -> str:
        name, frame, region = key
        named_frame = f"_f{frame:03d}" if frame > 0 or len(frames[name]) > 1 else ""
        return fit_name(stem(name) + named_frame + (f"_r{region}" if region >= 0 else ""))

    stems: dict[str, int] = dict.fromkeys(frames, 0)
    for _ in range(len(_STEMS) - 1):
        names = [full_name(key, _STEMS[stems[key[0]]]) for key in keys]
        clashing = _clashing(keys, names)
        if not clashing:
            break
        for name in clashing:
            stems[name] += 1
    return [full_name(key, _STEMS[stems[key[0]]]) for key in keys]


def _clashing(keys: Sequence[Key], names: Sequence[str]) -> set[str]:
    """Inputs whose result names are also another's, or another's folder (``a`` beside ``a.png/b``)."""
    owners = defaultdict(set)
    for key, name in zip(keys, names, strict=True):
        owners[name].add(key[0])
    folders = {name[:end] for name in names for end in _slashes(name)}
    blocked = {name for name in names if any(f"{name}{suffix}" in folders for suffix in (".png", ".dcm"))}
    return {owner for name, of in owners.items() if len(of) > 1 or name in blocked for owner in of}


def _slashes(name: str) -> list[int]:
    return [match.start() for match in re.finditer("/", name)]


def fit_name(name: str) -> str:
    """A name whose last part the disk takes: shortened where it is too long, and distinct all the same."""
    folder, slash, last = name.rpartition("/")
    if len(last.encode("utf-8", "surrogateescape")) > _LONGEST:
        last = last.encode("utf-8", "surrogateescape")[:150].decode("utf-8", "ignore") + "-" + _short_digest(name)
    return folder + slash + last


def _short_digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:12]


# From the usual name to the one that cannot clash.
_STEMS: tuple[Callable[[str], str], ...] = (
    lambda name: _SUFFIXES.sub("", name),
    lambda name: name,
    lambda name: f"{name}-{_short_digest(name)}",
)
