"""Whole words: a string is found where no word goes on at its ends, in any script."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.facts.words import WORD, find_answer, find_whole, holds

SPACED = "aBé4_Жعя"
UNSPACED = "日のカ한ไ"
MARKS = "\u0301\u0650\u093f"
OTHERS = " .-'\n、。"
TEXT = st.text(SPACED + UNSPACED + MARKS + OTHERS, max_size=24)


def goes_on(first: str, second: str) -> bool:
    """Whether a word goes on from one character to the next: in a script with spaces alone."""
    return all(
        each not in UNSPACED and (each == "_" or unicodedata.category(each)[0] in "LNM")
        for each in (first, second)
    )


def slowly(text: str, document: str) -> list[tuple[int, int]]:
    found = []
    for start in range(len(document) - len(text) + 1 if text.strip() else 0):
        end = start + len(text)
        joins = [i for i in (start, end) if 0 < i < len(document)]
        whole = not any(goes_on(document[i - 1], document[i]) for i in joins)
        if document[start:end] == text and whole:
            found.append((start, end))
    return found


@given(text=TEXT, before=TEXT, after=TEXT, data=st.data())
def test_a_string_is_found_as_whole_words_wherever_a_slow_search_finds_it(
    text: str, before: str, after: str, data: st.DataObject
) -> None:
    document = before + text + after
    start = data.draw(st.integers(0, len(document)))
    part = document[start : data.draw(st.integers(start, len(document)))]
    for each in (text, part):
        assert list(find_whole(each, document)) == slowly(each, document)
        assert holds(document, each) == bool(slowly(each, document))


@given(text=TEXT)
def test_words_are_whole_and_between_them_is_nothing_but_blanks(text: str) -> None:
    spans = [match.span() for match in WORD.finditer(text)]
    for start, end in spans:
        assert (start, end) in slowly(text[start:end], text)
    edges = [0, *(i for span in spans for i in span), len(text)]
    assert not any(text[i:j].strip() for i, j in zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize(
    ("document", "text", "expected"),
    [
        ("born in York .", "York", True),
        ("born in Yorkshire .", "York", False),
        ("伊福讷。东华尘土", "福讷", True),
        ("서울에서 태어났다", "서울", True),  # an ending is written to the word
        ("ولد في بغداد عام", "بغداد", True),
        ("ولد في بغدادي عام", "بغداد", False),
        ("हिन्दी में", "हिन्द", False),  # a vowel sign goes on with the word
        ("in C++ and", "C++", True),
        ("the 3-0 win", "3-0", True),
    ],
)
def test_a_word_ends_where_its_script_ends_it(document: str, text: str, expected: bool) -> None:
    assert holds(document, text) is expected


def test_an_answer_is_not_found_within_the_name_of_the_subject() -> None:
    life = "Jack London. Jack London left London ."
    assert find_answer(life, "Jack London", "London") == (30, 36)
    assert find_answer(life[:24], "Jack London", "London") is None
    assert find_answer(life, "", "London") == (5, 11)


def test_an_answer_that_a_names_letters_are_in_is_no_part_of_the_name() -> None:
    assert find_answer("Al. Al was born in Alabama.", "Al", "Alabama") == (19, 26)
    assert find_answer("York. York was born in New York.", "York", "New York") == (23, 31)
    assert find_answer("York. York was born in New York.", "York", "York") is None
