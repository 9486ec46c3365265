"""Random draws that give the same results in every Python version.

Of ``random.Random`` only ``random()`` is promised to give the same numbers in later versions
(docs.python.org/3/library/random.html, "Notes on Reproducibility"), so all draws rest on it.
"""

from bisect import bisect_right
from collections.abc import Iterator, MutableSequence, Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

_Item = TypeVar("_Item")


def below(bound: int, rng: Random) -> int:
    """Draw an integer from 0 … ``bound`` − 1."""
    return int(rng.random() * bound)


def choice(items: Sequence[_Item], rng: Random) -> _Item:
    """Draw one of the items."""
    return items[below(len(items), rng)]


def shuffle(items: MutableSequence[_Item], rng: Random) -> None:
    """Put items into a random order, in place."""
    for last in range(len(items) - 1, 0, -1):
        other = below(last + 1, rng)
        items[last], items[other] = items[other], items[last]


def pick(items: Sequence[_Item], most: int, rng: Random) -> list[_Item]:
    """Draw ``most`` items without replacement, or all if there are fewer, in their order."""
    indices = list(range(len(items)))
    shuffle(indices, rng)
    return [items[i] for i in sorted(indices[:most])]


def by_share(shares: Sequence[float], rng: Random) -> Iterator[int]:
    """Yield indices without end, index i with probability ``shares[i]``; shares sum to 1."""
    cumulative = list(accumulate(shares))
    while True:
        yield min(bisect_right(cumulative, rng.random()), len(shares) - 1)
