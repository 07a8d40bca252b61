"""Switches from the command line: ``--overwrite true`` reaches a config as the text "true", and "false" is true."""

from __future__ import annotations

from .errors import BundleError

_ON = ("true", "yes", "on", "1")
_OFF = ("false", "no", "off", "0", "none", "")


def is_on(value: bool | int | str | None) -> bool:
    """Read a switch.

    Args:
        value: a bool, or one of true, yes, on, 1, false, no, off, 0 in any case.

    Raises:
        BundleError: if it is anything else.
    """
    text = str(value).strip().lower()
    if text in _ON:
        return True
    if text in _OFF:
        return False
    raise BundleError(f'A switch is set to "{value}", which is neither true nor false; correct the command line.')
