"""Work done by other processes while the network computes, handed back in the order it was given."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any


class Background:
    """A queue of calls; small enough that memory stays bounded.

    Args:
        workers: number of processes; 0 does the work at once, in this process.
        warm_up: called once in each process, before the first call.
    """

    def __init__(self, workers: int, warm_up: Callable[[], Any]) -> None:
        self._executor: ProcessPoolExecutor | None = None
        self._calls: deque[tuple[Any, Future[Any]]] = deque()
        self._most = 8 * workers
        if workers:
            self._executor = ProcessPoolExecutor(workers, initializer=_start, initargs=(warm_up, os.getpid()))
            self._executor.submit(os.getpid)  # the first call starts the processes

    def submit(self, tag: Any, function: Callable[..., Any], *args: Any) -> None:
        """Queue a call.

        Args:
            tag: comes back with the result; stays in this process.
            function: with its arguments picklable.
        """
        if self._executor is not None:
            self._calls.append((tag, self._executor.submit(function, *args)))
        else:
            self.pass_on(tag, function(*args))

    def pass_on(self, tag: Any, result: Any) -> None:
        """Queue what is done already, in its turn."""
        call: Future[Any] = Future()
        call.set_result(result)
        self._calls.append((tag, call))

    def done(self, wait: bool = False) -> Iterator[tuple[Any, Any]]:
        """Take out tags and results in the order they were queued, while they are ready or the queue is too long.

        Args:
            wait: take out all.

        Raises:
            Exception: what a call has raised, in its turn.
        """
        while self._calls and (wait or len(self._calls) > self._most or self._calls[0][1].done()):
            tag, call = self._calls.popleft()
            yield tag, call.result()

    def close(self) -> None:
        """End the processes; calls that have not begun are forgotten."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)


def _start(warm_up: Callable[[], Any], parent: int) -> None:
    """Leave interruptions to the parent, but do not outlive it when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    warm_up()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
