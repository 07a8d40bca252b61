"""What a source knows of a file before it is opened, and how its troubles are told."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from scripts.data.reasons import ReadingProblem
from scripts.errors import EXIT_ARGUMENTS, EXIT_FATAL, BundleError

_TRIES, _SECONDS = 4, 2.0
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A file of a source.

    Attributes:
        name: the ``input`` of its rows.
        path: what the source opens.
        size: in bytes; 0 where it is not known.
        stamp: changes when the content does, as far as the source tells.
        readable: False for a folder that cannot be opened.
    """

    name: str
    path: str
    size: int = 0
    stamp: str = ""
    readable: bool = True


def without_password(address: str) -> str:
    """An address as it may be told: without ``user:password@``."""
    secret = r"(?<=://)[^/@]*@" if address.startswith("http") else r"(?<=://)[^/@:]*:[^/@]*@"
    return re.sub(secret, "", address)


def refuse(error: BaseException, address: str, exit_code: int = EXIT_ARGUMENTS) -> BundleError:
    """What a user can do about an address that cannot be listed or read; the error's text may quote names.

    Args:
        error: of fsspec or requests.
        address: of the source, as it was given.
        exit_code: of the run that it ends.
    """
    address = without_password(address)
    status = getattr(getattr(error, "response", None), "status_code", 0)
    kind = type(error).__name__
    if isinstance(error, BundleError):
        return error
    if isinstance(error, ImportError):
        return BundleError(
            f'What reads "{address}" is not installed: pip install -r requirements-archive.txt, '
            "and for Google Cloud gcsfs, for Azure adlfs."
        )
    if isinstance(error, PermissionError) or status in (401, 403) or "credential" in kind.lower():
        return BundleError(
            f'"{address}" refuses the credentials, or there are none: set those of its kind (S3: AWS_ACCESS_KEY_ID and '
            "AWS_SECRET_ACCESS_KEY; DICOMweb: user:password in the address, or DICOMWEB_TOKEN).",
            exit_code,
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return BundleError(f'"{address}" does not exist. Check the address.', exit_code)
    return BundleError(f'"{address}" cannot be reached ({kind}). Check the address and the network.', exit_code)


def with_patience(call: Callable[[], T], address: str, check: Callable[[], Any] | None = None) -> T:
    """Read one file; what the network does to it is tried again.

    Args:
        call: reads it.
        address: of the source.
        check: asks the source for what it has granted before; tells one closed file from credentials that have ended.

    Raises:
        ReadingProblem: UNREADABLE, where this one file is gone or closed to us.
        BundleError: the source does not answer any more; rows of it would tell nothing of the files.
    """
    for left in reversed(range(_TRIES)):
        try:
            return call()
        except (FileNotFoundError, IsADirectoryError):
            raise ReadingProblem("UNREADABLE", "the file cannot be opened") from None
        except Exception as error:  # noqa: BLE001  every store has its own
            if getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise  # the copy's disk, not the store
            status = getattr(getattr(error, "response", None), "status_code", 0)
            closed = isinstance(error, PermissionError) or status == 403
            if closed and check is not None:
                _ask(check, address)
            if closed or status in (404, 410):
                raise ReadingProblem("UNREADABLE", "the file cannot be opened") from None
            if not left:
                raise refuse(error, address, EXIT_FATAL) from None
            time.sleep(_SECONDS)
    raise AssertionError


def _ask(check: Callable[[], Any], address: str) -> None:
    try:
        check()
    except Exception as error:  # noqa: BLE001
        raise refuse(error, address, EXIT_FATAL) from None
