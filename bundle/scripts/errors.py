"""How the bundle tells a user what is wrong: one clear sentence, last on stderr, and an exit code."""

from __future__ import annotations

import sys
from types import TracebackType

#: Exit codes of every run. 0: all analysed or cleanly skipped.
EXIT_UNUSABLE = 1  # something failed, or nothing was usable
EXIT_ARGUMENTS = 2  # wrong arguments, missing or mismatched weights
EXIT_FATAL = 3  # anything unforeseen


class BundleError(ValueError):
    """An error that the user can mend.

    Args:
        sentence: one clear sentence that names the item and says what to do.
        exit_code: the exit code of a run that this error ends.
    """

    def __init__(self, sentence: str, exit_code: int = EXIT_ARGUMENTS) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


#: What torch says, in lower case, and what a user can do about it.
_FOREIGN = (
    (
        "expected more than 1 value per channel",
        "A batch of one image cannot be normalised in training: set --batch_size to 2 or more, and list at least two "
        "images to train with; or train on with --freeze_norms true.",
    ),
    (
        "shared memory",
        "The shared memory (/dev/shm) is too small for the processes that load images: set --num_workers 0, or give "
        "more (docker run --shm-size 2g).",
    ),
)


def translate(error: BaseException) -> BundleError | None:
    """What the user can mend about an error of torch's, if that is known."""
    text = str(error).lower()
    return next((BundleError(sentence) for phrase, sentence in _FOREIGN if phrase in text), None)


def find_bundle_error(error: BaseException | None) -> BundleError | None:
    """The BundleError at or behind an exception, or what one of torch's means: MONAI, Ignite and DataLoader wrap."""
    foreign = None
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, BundleError):
            return error
        foreign = foreign or translate(error)
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return foreign


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Excepthook: a BundleError ends as its sentence; anything else keeps its traceback."""
    known = find_bundle_error(error)
    if known is None:
        sys.__excepthook__(kind, error, trace)
        raise SystemExit(EXIT_FATAL)
    print(known, file=sys.stderr, flush=True)
    raise SystemExit(known.exit_code)


def report_errors_in_one_sentence() -> None:
    """Install the excepthook; every run of a config begins with it."""
    sys.excepthook = _report
