"""Intervals by bootstrap over groups: images of one patient or scene are drawn together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MIN_GROUPS = 10
MIN_DEFINED = 0.9


class NotComputable(Exception):
    """A number that these cases do not define; its text is the reason."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn.

    Args:
        resamples: number of resamples.
        level: coverage of the percentile interval, 0..1.
        seed: of the generator; the same cases give the same interval.
    """

    resamples: int = 2000
    level: float = 0.95
    seed: int = 0

    def weights(self, groups: np.ndarray) -> np.ndarray:
        """How often each case counts in each resample of the groups (drawn with replacement, as many as there are).

        Args:
            groups: shape (N,).

        Returns:
            Shape (resamples, N), float64.

        Raises:
            NotComputable: there are too few groups.
        """
        names, index = np.unique(groups, return_inverse=True)
        if len(names) < MIN_GROUPS:
            raise NotComputable(f"a bootstrap interval needs at least {MIN_GROUPS} groups, there are {len(names)}")
        counts = np.random.default_rng(self.seed).multinomial(
            len(names), np.full(len(names), 1 / len(names)), size=self.resamples
        )
        return counts[:, index].astype(np.float64)

    def draw(self, groups: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The statistic on every resample that defines it.

        Args:
            groups: shape (N,).
            statistic: from weights (R, N) to values (R,), nan where undefined.

        Returns:
            Shape (R',), finite.

        Raises:
            NotComputable: too few groups, or too many resamples leave the statistic undefined.
        """
        values = statistic(self.weights(groups))
        defined = np.isfinite(values)
        if defined.mean() < MIN_DEFINED:
            raise NotComputable(f"only {defined.mean():.0%} of the bootstrap's resamples define it")
        return values[defined]

    def interval(self, draws: np.ndarray) -> list[float]:
        """The percentile interval of bootstrapped values: [lower, upper]."""
        tail = (1 - self.level) / 2
        return np.quantile(draws, [tail, 1 - tail]).tolist()
