"""Results to an archive, by STOW."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from pydicom import dcmread

from scripts.data.sources.dicomweb import make_client
from scripts.data.sources.entries import refuse, without_password
from scripts.errors import EXIT_FATAL, BundleError
from scripts.quiet import quiet_libraries

_AT_ONCE, _TRIES, _SECONDS = 50, 4, 2.0


class StowSender:
    """Stores DICOM files in an archive; the same files again change nothing there.

    Args:
        url: DICOMweb root of the archive.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """Store files.

        Raises:
            BundleError: the archive does not answer, or does not take them.
        """
        for begin in range(0, len(paths), _AT_ONCE):
            self._store(paths[begin : begin + _AT_ONCE])

    def _store(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                with quiet_libraries():
                    answer = make_client(self.url).store_instances([dcmread(path) for path in paths])
                break
            except BundleError:
                raise
            except Exception as error:  # noqa: BLE001  its text may quote what was sent
                if not left:
                    raise refuse(error, self.url, EXIT_FATAL) from None
                time.sleep(_SECONDS)
        if failed := len(getattr(answer, "FailedSOPSequence", None) or ()):
            told = without_password(self.url)
            raise BundleError(f'"{told}" did not take {failed} of {len(paths)} results. See its log.', EXIT_FATAL)


def make_sender(url: str) -> StowSender | None:
    """A sender, or None where no address is named."""
    return StowSender(url) if url else None
