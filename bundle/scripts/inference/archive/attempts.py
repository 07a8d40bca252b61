"""Which file a worker was at when it died: known to the worker that takes over, which tries that file apart first."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

_MOST_DEATHS = 3
_START = "start"


class Attempts:
    """A journal of one shard; whoever loads a file says so first.

    Args:
        path: of the journal, on a disk that outlives the worker.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deaths: Counter[int] = Counter()
        for attempt in self._lines().split(_START)[1:]:
            last = dict(line.split() for line in attempt.splitlines() if line.count(" ") == 1)
            self.deaths.update(int(number) for number in last.values())  # the last that each process has begun

    def start(self) -> None:
        """Begin an attempt."""
        self._append(_START)

    def begin(self, number: int) -> None:
        """Say which file comes next, in this process."""
        self._append(f"{os.getpid()} {number}")

    def end(self) -> None:
        """Forget the shard: it is done."""
        self.path.unlink(missing_ok=True)

    def condemned(self, number: int, load: Callable[[], Any], seconds: float) -> bool:
        """Whether a file is what kills workers.

        Args:
            number: of the file.
            load: what was done when they died; tried in a process of its own.
            seconds: for that.
        """
        deaths = self.deaths[number]
        return deaths >= _MOST_DEATHS or (deaths > 0 and not survives(load, seconds))

    def _lines(self) -> str:
        try:
            return self.path.read_text()
        except FileNotFoundError:
            return ""

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab", buffering=0) as file:
            file.write(f"{line}\n".encode())


def survives(call: Callable[[], Any], seconds: float) -> bool:
    """Whether a process lives through a call; an exception is no death.

    Args:
        call: is made in a copy of this process.
        seconds: it may take.
    """
    process = multiprocessing.get_context("fork").Process(target=_alone, args=(call,), daemon=True)
    process.start()
    process.join(seconds)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    return code is not None and code >= 0


def _alone(call: Callable[[], Any]) -> None:
    torch.set_num_threads(1)  # the threads of the process that this is a copy of are not here
    with suppress(Exception):  # its text would go to a log
        call()
