"""Silence around libraries that read and write patients' files: their warnings and log lines quote what these say."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# For good, since what they log of a patient's file must not depend on who reads it.
for _name in ("pydicom", "highdicom", "PIL", "nibabel"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Swallow the warnings of any library; the loggers above are silent as soon as this module is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
