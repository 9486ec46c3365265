"""Draws are fixed by their generator, and fair."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nanoknow.system.draws import below, choice, pick, shuffle


@given(n=st.integers(0, 40), most=st.integers(0, 50), seed=st.integers(0, 99))
def test_a_pick_is_of_different_items_in_their_order(n: int, most: int, seed: int) -> None:
    items = [f"item {i}" for i in range(n)]
    found = pick(items, most, Random(seed))
    assert len(found) == min(n, most)
    places = [items.index(item) for item in found]
    assert places == sorted(set(places))
    assert found == pick(items, most, Random(seed))


def test_every_item_is_drawn_about_as_often_as_every_other() -> None:
    rng = Random(0)
    picked = [item for _ in range(3000) for item in pick(range(10), 3, rng)]
    assert all(800 < picked.count(item) < 1000 for item in range(10))
    chosen = [choice("abc", rng) for _ in range(3000)]
    assert all(900 < chosen.count(letter) < 1100 for letter in "abc")
    assert {below(4, rng) for _ in range(200)} == {0, 1, 2, 3}


def test_shuffling_keeps_all_items() -> None:
    items = list(range(50))
    shuffle(items, Random(1))
    assert items != list(range(50))
    assert sorted(items) == list(range(50))
