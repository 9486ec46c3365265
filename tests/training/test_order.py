"""A shuffled order holds every number once, looks shuffled, and can be read anywhere."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.training.order import ShuffledOrder

SEEDS = st.integers(0, 2**64 - 1)


def whole(n: int, seed: int) -> list[int]:
    return [int(i) for i in ShuffledOrder(n, seed).part(0, n)]


def test_every_small_order_holds_every_number_once() -> None:
    for n in range(1, 130):
        assert sorted(whole(n, n)) == list(range(n)), n


@given(n=st.integers(1, 20_000), seed=SEEDS)
def test_every_order_holds_every_number_once(n: int, seed: int) -> None:
    order = ShuffledOrder(n, seed).part(0, n)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))


@given(n=st.integers(1, 500), seed=SEEDS, data=st.data())
def test_a_part_is_that_of_the_whole_and_ends_with_it(
    n: int, seed: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n + 10))
    assert ShuffledOrder(n, seed).part(start, stop).tolist() == whole(n, seed)[start:stop]


def test_other_seeds_give_other_orders() -> None:
    assert len({tuple(whole(20, seed)) for seed in range(200)}) == 200


@pytest.mark.parametrize(
    ("n", "seed", "first"),
    [
        (16, 7, [10, 1, 3, 8, 2, 9, 7, 4, 6, 14, 11, 15, 12, 0, 13, 5]),
        (10, 2**64 - 1, [8, 4, 2, 0, 7, 1, 9, 6, 5, 3]),
        (10**12, 2**63, [399856567777, 778620741092, 434354837585]),
    ],
)
def test_orders_are_those_written_down(n: int, seed: int, first: list[int]) -> None:
    """A run that is resumed by a later release reads on in the order that it began."""
    assert ShuffledOrder(n, seed).part(0, len(first)).tolist() == first


@pytest.mark.parametrize("n", [10**9, 2**40 + 1])
def test_a_huge_order_is_looked_at_anywhere(n: int) -> None:
    order = ShuffledOrder(n, 3)
    seen = np.concatenate([order.part(0, 2000), order.part(n - 2000, n + 5)])
    assert len(set(seen.tolist())) == 4000
    assert (seen >= 0).all()
    assert (seen < n).all()
    # uniform: each tenth of the range holds about a tenth of them
    counts = np.bincount(seen * 10 // n, minlength=10)
    assert chi_square(counts) < 40  # 9 degrees of freedom


def chi_square(counts: np.ndarray) -> float:
    expected = counts.sum() / counts.size
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("n", [2, 3, 4])
def test_all_orders_of_a_few_come_up_alike(n: int) -> None:
    counts = Counter(tuple(whole(n, seed)) for seed in range(1_000))
    assert set(counts) == set(permutations(range(n)))
    # at most 23 degrees of freedom: 60 is far beyond one in 10,000
    assert chi_square(np.array(list(counts.values()))) < 60


@pytest.mark.parametrize("n", [5, 11, 16])
def test_every_number_comes_to_every_place_and_after_every_other_alike(n: int) -> None:
    places = np.zeros((n, n))
    followed = np.zeros((n, n))
    for seed in range(800):
        order = np.array(whole(n, seed))
        places[np.arange(n), order] += 1
        followed[order[:-1], order[1:]] += 1
    pairs = followed[~np.eye(n, dtype=bool)]
    for counts in (places, pairs):
        degrees = counts.size - 1
        assert chi_square(counts) < degrees + 5 * (2 * degrees) ** 0.5


def test_neighbours_are_unrelated() -> None:
    order = ShuffledOrder(5_000, 1).part(0, 5_000).astype(float)
    for lag in (1, 2, 64):
        correlation = np.corrcoef(order[:-lag], order[lag:])[0, 1]
        assert abs(correlation) < 0.06
