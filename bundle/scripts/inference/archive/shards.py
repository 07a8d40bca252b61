"""Parquet files of a run, each the work or the results of some files; a shard is there whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.data.sources import Entry
from scripts.writing.files import write_whole

_MOST_BYTES = 2**30


class Shards:
    """The folder of shards; a shard's name is the digest of what it was made from.

    Args:
        root: the folder; all workers see it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, key: str) -> Path:
        """Where a shard is, or will be."""
        return self.root / f"{kind}-{key}.parquet"

    def has(self, kind: str, key: str) -> bool:
        """Whether it is there."""
        return self.path(kind, key).is_file()

    def write(self, kind: str, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write a shard.

        Args:
            kind: "entries", "found", "work" or "rows".
            key: of the shard.
            rows: with one set of keys and plain values.

        Raises:
            OSError: the disk is full, or the folder cannot be written; nothing is left behind.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows)), content)
        write_whole(self.path(kind, key), content.getvalue())

    def read(self, kind: str, key: str) -> list[dict[str, Any]]:
        """The rows of a shard."""
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path(kind, key)).read().to_pylist()

    def keep_only(self, kinds: Mapping[str, Iterable[str]]) -> None:
        """Remove shards of earlier inputs, by kind but for the keys that are named."""
        kept = {self.path(kind, key) for kind, keys in kinds.items() for key in keys}
        for path in self.root.glob("*.parquet"):
            if path not in kept:
                path.unlink(missing_ok=True)


def digest_of(values: Any) -> str:
    """The name of a shard, from plain values that it was made from."""
    return hashlib.blake2b(json.dumps(values, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def cut(entries: Iterable[Entry], files: int) -> Iterator[list[Entry]]:
    """Entries in parts, where a part's end depends on its last entry: a file more changes one part and not all.

    Args:
        entries: in order.
        files: of a part on average.
    """
    part: list[Entry] = []
    size = 0
    for entry in entries:
        part.append(entry)
        size += entry.size
        ends = zlib.crc32(entry.name.encode("utf-8", "surrogateescape")) % files == 0
        if ends or len(part) >= 4 * files or size >= _MOST_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
