"""When a run cannot go on: one sentence that says why and how to resume, and no word of a patient in any log."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ignite.engine import Engine, Events

from scripts.errors import EXIT_FATAL, BundleError, find_bundle_error

logger = logging.getLogger("rad_vlsm")

_RESUME = "run the same command again, and it goes on from there"


@contextmanager
def disk_trouble_in_one_sentence(folder: Path) -> Iterator[None]:
    """A full or lost disk ends the run.

    Raises:
        BundleError: instead of an OSError; its text would hold a file's name.
    """
    try:
        yield
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else type(error).__name__
        sentence = f'"{folder}" cannot be written any more ({words}). Mend that, then {_RESUME}.'
        raise BundleError(sentence, EXIT_FATAL) from None


class OneSentence:
    """Ends an engine's run by a BundleError, whatever has happened; exception texts may quote a patient's file.

    Where it happened is logged without them.
    """

    def attach(self, engine: Engine) -> None:
        """Add this to an engine, and keep the engine from logging exception texts itself."""
        engine.add_event_handler(Events.EXCEPTION_RAISED, self)
        engine.logger.addFilter(_below_error)

    def __call__(self, engine: Engine, error: BaseException) -> None:
        """Raise what the user reads."""
        known = find_bundle_error(error)
        if known is not None:
            raise known
        if isinstance(error, KeyboardInterrupt):
            raise BundleError(f"Interrupted: {_RESUME}.", EXIT_FATAL) from None
        deepest: BaseException = error
        while deepest.__cause__ is not None:
            deepest = deepest.__cause__
        logger.error("".join(traceback.format_tb(deepest.__traceback__)))
        place = traceback.extract_tb(deepest.__traceback__)[-1]
        sentence = (
            f"The run stopped on an unforeseen {type(deepest).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}. What is written stays valid: {_RESUME}."
        )
        raise BundleError(sentence, EXIT_FATAL) from error


def _below_error(record: logging.LogRecord) -> bool:
    return record.levelno < logging.ERROR
