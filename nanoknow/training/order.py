"""A shuffled order that is computed part by part as needed, and never stored."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROUNDS = 8
MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class ShuffledOrder:
    """A pseudo-random permutation of 0 … n − 1, fixed by its seed.

    A balanced Feistel network (Luby and Rackoff, 1988) permutes the next power of 4; a value that
    falls outside 0 … n − 1 is permuted again until it is inside (cycle walking: Black and Rogaway,
    2002, "Ciphers with Arbitrary Finite Domains"), which takes fewer than 4 turns on average. The
    rounds mix by SplitMix64 (Steele, Lea and Flood, 2014).

    Attributes:
        n: how many items there are, at least 1.
        seed: 0 … 2⁶⁴ − 1.
    """

    n: int
    seed: int

    def part(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Return the items ``start`` … ``stop − 1`` of the order, cut off at n."""
        values = np.arange(start, min(stop, self.n), dtype=np.uint64)
        outside = np.arange(len(values))
        while len(outside):
            walked = self._permute(values[outside])
            values[outside] = walked
            outside = outside[walked >= self.n]
        return values.astype(np.int64)

    def _permute(self, values: _Words) -> _Words:
        """Permute 0 … 4ᵏ − 1, the smallest such range that holds n, in two halves of k bits."""
        half = np.uint64(max(1, ((self.n - 1).bit_length() + 1) // 2))
        mask = (np.uint64(1) << half) - np.uint64(1)
        left, right = values >> half, values & mask
        for turn in range(1, ROUNDS + 1):
            key = np.uint64((self.seed + turn * GOLDEN_GAMMA) % 2**64)
            left, right = right, left ^ (_mix(_mix(right + key) ^ key) & mask)
        return (left << half) | right


def _mix(words: _Words) -> _Words:
    """Let every bit of a word change every other (the finaliser of SplitMix64)."""
    for shift, factor in MIXERS:
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return words ^ (words >> np.uint64(31))
