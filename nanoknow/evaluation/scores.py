"""Exact match with its interval, and paired tests of two ways to answer."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import ClassVar

from nanoknow.system.shares import percent


def interval_of_mean(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of a few draws (Student, 1908); None for fewer than two.

    Of results by seed, it says how far their mean may be from the mean over all seeds.
    """
    from scipy.stats import t

    if len(values) < 2:
        return None
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


@dataclass(frozen=True)
class Pairing:
    """Two ways of answering the same questions, side by side.

    Attributes:
        both: questions that both answer right.
        only_first, only_second: those that only this one answers right.
        neither: those that none answers right.
        p: two-sided, of the exact test (McNemar, 1947): small when the two differ by more than
            chance; 1.0 when they never differ.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    p: float


def pair(first: Sequence[bool], second: Sequence[bool]) -> Pairing:
    """Count where two ways of answering are right, and test whether they differ.

    Raises:
        ValueError: they are of different lengths.
    """
    from scipy.stats import binomtest

    counts = Counter(zip(first, second, strict=True))
    only_first, only_second = counts[True, False], counts[False, True]
    differing = only_first + only_second
    p = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return Pairing(counts[True, True], only_first, only_second, counts[False, False], p)


@dataclass(frozen=True)
class Score:
    """How many of some questions were answered right."""

    n_right: int
    n: int
    JSON: ClassVar[tuple[str, ...]] = ("n_right", "n", "accuracy", "interval_95")

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.n_right / self.n

    @property
    def interval_95(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson, 1927)."""
        from scipy.stats import binomtest

        interval = binomtest(self.n_right, self.n).proportion_ci(method="wilson")
        return float(interval.low), float(interval.high)

    def __str__(self) -> str:
        words = f"{self.n_right} of {self.n}; 95 % interval {interval(self)} %"
        return f"{percent(self.accuracy)} ({words})"


def interval(score: Score) -> str:
    """Write the 95 % interval of a score in %: ``20.0–42.5``."""
    low, high = score.interval_95
    return f"{100 * low:.1f}–{100 * high:.1f}"


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm, 1979), in the same order."""
    corrected = [0.0] * len(ps)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = highest
    return corrected
