"""DICOM images of one SOP Instance UID: the same image again, or others that share it by mistake."""

from __future__ import annotations

import hashlib

from .header import DicomHeader

_CHUNK = 2**20


class Duplicates:
    """Tells images of one UID apart by their pixel data, which is read only where a UID comes again."""

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, int, int]] = {}
        self._contents: dict[bytes, dict[str, str]] = {}
        self._shared: dict[str, str] = {}

    def is_known(self, path: str, header: DicomHeader) -> bool:
        """Whether a file with this UID and this pixel data came before; from now on this one has.

        Args:
            path: of the file.
            header: its header, with a UID.
        """
        key = hashlib.blake2b(header.sop_instance_uid.encode(), digest_size=16).digest()
        place = (path, *((header.pixels.start, header.pixels.end) if header.pixels else (0, -1)))
        if key not in self._first:
            self._first[key] = place
            return False
        contents = self._contents.setdefault(key, {})
        if not contents:
            contents[_digest(*self._first[key])] = self._first[key][0]
        content = _digest(*place)
        if content in contents:
            return True
        contents[content] = path
        self._shared.update({of: digest for digest, of in contents.items()})
        return False

    def content(self, path: str) -> str:
        """Digest of a file's pixel data, if another image has the same UID; otherwise ""."""
        return self._shared.get(path, "")


def _digest(path: str, start: int, end: int) -> str:
    """Hexadecimal digest of a part of a file; an end of -1 is the file's. What cannot be read is like nothing else."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            file.seek(start)
            left = end - start if end >= 0 else -1
            while chunk := file.read(min(_CHUNK, left) if left >= 0 else _CHUNK):
                digest.update(chunk)
                left -= len(chunk) if left >= 0 else 0
    except OSError:
        digest.update(path.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
