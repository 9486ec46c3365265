"""Scores, their uncertainty, and whether two differ."""

from __future__ import annotations

from fractions import Fraction
from math import comb, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.evaluation.scores import Score, pair, wilson_interval
from nanoknow.system.plain import plain


@pytest.mark.parametrize(
    ("n_right", "n", "low", "high"),
    [
        # Newcombe, 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # "London" to everyone, by hand from Wilson's formula with z = 1.96
        (25, 500, 0.0341, 0.0728),
        (500, 500, 0.9924, 1.0),
    ],
)
def test_intervals_are_the_published_ones(n_right: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(n_right, n) == pytest.approx((low, high), abs=5e-5)


@given(data=st.data(), n=st.integers(1, 600))
def test_intervals_follow_wilsons_formula(data: st.DataObject, n: int) -> None:
    p = data.draw(st.integers(0, n)) / n
    z = 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = (centre - half, centre + half)
    assert wilson_interval(round(p * n), n) == pytest.approx(expected, abs=1e-6)


def test_a_lower_confidence_gives_a_narrower_interval() -> None:
    wide, narrow = wilson_interval(25, 500), wilson_interval(25, 500, confidence=0.5)
    assert wide[0] < narrow[0] < 0.05 < narrow[1] < wide[1]


def test_a_score_tells_accuracy_and_interval() -> None:
    score = Score(25, 500)
    assert score.accuracy == 0.05
    assert str(score) == "5.0% (25 of 500; 95 % interval 3.4%-7.3%)"
    found = plain(score)
    assert found.pop("interval_95") == pytest.approx([0.0341, 0.0728], abs=5e-5)
    assert found == {"n_right": 25, "n": 500, "accuracy": 0.05}


def pairs(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    ours = [True] * (both + first) + [False] * (second + neither)
    theirs = [True] * both + [False] * first + [True] * second + [False] * neither
    return ours, theirs


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        (0, 5, Fraction(2, 32)),
        (1, 9, Fraction(2 * 11, 1024)),
        (2, 8, Fraction(2 * 56, 1024)),
        (9, 1, Fraction(2 * 11, 1024)),
        (5, 5, Fraction(1)),
        (1, 0, Fraction(1)),
    ],
)
def test_mcnemar_is_the_binomial_of_the_pairs_that_differ(
    only_first: int, only_second: int, expected: Fraction
) -> None:
    for agreeing in (0, 40):
        found = pair(*pairs(agreeing, only_first, only_second, 2 * agreeing)).p
        assert found == pytest.approx(float(expected), rel=1e-9)


@given(first=st.integers(0, 60), second=st.integers(0, 60))
def test_mcnemar_equals_twice_the_smaller_tail(first: int, second: int) -> None:
    n = first + second
    tail = Fraction(sum(comb(n, k) for k in range(min(first, second) + 1)), 2**n)
    expected = min(1.0, float(2 * tail))
    assert pair(*pairs(3, first, second, 4)).p == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_no_difference_is_1() -> None:
    assert pair(*pairs(7, 0, 0, 5)).p == 1.0
    assert pair([], []).p == 1.0


def test_mcnemar_refuses_lists_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="zip"):
        pair([True], [True, False])
