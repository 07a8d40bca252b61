"""Where the time of a run goes."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by stage, as the run waits for it; a stage may be met many times."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        """Count from now on."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Count the time since the last lap for a stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def report(self) -> dict[str, float]:
        """Seconds by stage and in total, rounded to 1 ms."""
        laps = {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}
        return {**laps, "total": round(sum(self.seconds.values()), 3)}
