"""Codes hold any text in the least room, and tell where its lines are."""

from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data import coding
from nanoknow.data.coding import PART, Coder, Codes
from tests.helpers.texts import corpus_of

# As many characters as it takes to need 1, 2 and 4 bytes; no text holds surrogates.
MANY = "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x10000)]))


def coded(pieces: list[str]) -> tuple[str, Codes]:
    """Code pieces in memory, after seeing that a file holds the same."""
    with TemporaryFile() as file:
        coders = Coder(), Coder(file)
        for piece in pieces:
            for coder in coders:
                coder.add(piece)
        (characters, codes), (same, in_file) = (coder.finish() for coder in coders)
        assert same == characters
        assert in_file.dtype == codes.dtype
        assert in_file.tolist() == codes.tolist()
    return characters, codes


def decoded(characters: str, codes: Codes) -> str:
    return "".join(characters[code] for code in codes.tolist())


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=8))
def test_any_pieces_are_held_as_indices_of_their_sorted_characters(pieces: list[str]) -> None:
    characters, codes = coded(pieces)
    assert characters == "".join(sorted(set("".join(pieces))))
    assert decoded(characters, codes) == "".join(pieces)
    assert codes.dtype == np.uint8


@pytest.mark.parametrize(
    ("n_characters", "width"),
    [(256, np.uint8), (257, np.int16), (32768, np.int16), (32769, np.int32)],
)
def test_codes_are_as_wide_as_the_number_of_characters_asks_for(
    n_characters: int, width: type
) -> None:
    text = MANY[:n_characters][::-1]
    characters, codes = coded([text])
    assert codes.dtype == width
    assert codes.tolist() == list(range(n_characters))[::-1]
    assert characters == text[::-1]


def test_codes_widen_when_characters_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "PART", 7)
    pieces = ["z\nab" * 25, MANY[300:600], "é" * 10, MANY[1000:34_000], "end"]
    characters, codes = coded(pieces)
    assert codes.dtype == np.int32
    assert decoded(characters, codes) == "".join(pieces)


def test_lines_are_where_splitting_the_text_finds_them() -> None:
    text = "one\n\n" + "x" * PART + "\ntwo\n" + "y" * 5 + "\n"
    starts, lengths = corpus_of(text).lines()
    found = [text[start : start + n] for start, n in zip(starts, lengths, strict=True)]
    assert found == text.split("\n")


@given(st.text("ab\n", min_size=1, max_size=30))
def test_a_character_is_found_in_its_first_line(text: str) -> None:
    corpus = corpus_of(text)
    starts, lengths = corpus.lines()
    assert [text[i : i + n] for i, n in zip(starts, lengths, strict=True)] == text.split("\n")
    for character in set(text):
        line = text[: text.index(character)].count("\n") + 1
        assert corpus.line_of(character) == line
