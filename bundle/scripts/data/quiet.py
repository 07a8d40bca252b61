"""Silence around third-party readers: their warnings and log lines quote what the file says, names included."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_TALKATIVE = ("pydicom", "PIL", "nibabel")
_SILENT = logging.CRITICAL + 1


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Swallow the warnings and log lines of pydicom, Pillow and nibabel."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(_SILENT)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
