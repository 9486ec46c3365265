"""Characters become ids and the same characters again, and what is unknown is named."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoknow.data.corpus import read_corpus
from nanoknow.data.questions import read_questions
from nanoknow.data.tokenizer import MASK, PAD, SPECIALS, Tokenizer, describe
from nanoknow.errors import DataError
from tests.helpers.examples import examples
from tests.helpers.refused import refused
from tests.helpers.texts import corpus_of, tokenizer_of

# Lone surrogates included: they reach us through file names and undecodable arguments.
CHARACTERS = st.characters(exclude_characters=PAD + MASK)
TEXTS = st.text(CHARACTERS, max_size=30)


@given(TEXTS, st.booleans(), st.data())
def test_any_text_of_known_characters_comes_back(
    text: str, specials: bool, data: st.DataObject
) -> None:
    tokenizer = tokenizer_of(text, specials=specials)
    other = data.draw(st.text(st.sampled_from(text)) if text else st.just(""))
    for known in (text, other):
        ids = tokenizer.encode(known)
        assert ids.dtype == np.int64
        assert len(ids) == len(known)
        assert tokenizer.decode(ids) == known
        assert tokenizer.encode_known(known).tolist() == ids.tolist()
        assert tokenizer.unknown(known) == []


@given(TEXTS, st.booleans())
@example("ba\n\u00e9\U0001f600 a", True)
def test_the_vocabulary_is_each_character_once_in_sorted_order(text: str, specials: bool) -> None:
    characters = Tokenizer.from_corpus(corpus_of(text), specials=specials).characters
    markers = "".join(SPECIALS) if specials else ""
    assert characters == markers + "".join(sorted(set(text)))


def test_the_specials_are_a_white_square_as_0_and_a_double_question_mark_as_1() -> None:
    tokenizer = tokenizer_of("b\na", specials=True)
    assert tokenizer.characters == "\u25a1\u2047\nab"
    assert (tokenizer.pad_id, tokenizer.mask_id) == (0, 1)
    assert tokenizer.encode("ab\n").tolist() == [3, 4, 2]
    assert tokenizer.decode([1, 0]) == "\u2047\u25a1"
    assert len(tokenizer) == 5


def test_a_mark_in_a_text_is_a_mark_only_where_that_is_asked_for() -> None:
    tokenizer = tokenizer_of("ab", specials=True)
    assert tokenizer.unknown("a\u2047b\u25a1") == ["\u2047", "\u25a1"]
    assert tokenizer.encode_known("a\u2047b\u25a1").tolist() == [2, 3]
    assert "'\u2047' (U+2047)" in refused(DataError, lambda: tokenizer.encode("a\u2047"))
    reading = replace(tokenizer, reads_marks=True)
    assert reading.encode("a\u2047b\u25a1").tolist() == [2, 1, 3, 0]
    written = tokenizer_of("a\u2047\u25a1", specials=False)  # a language model's own characters
    assert written.decode(written.encode("\u2047\u25a1a")) == "\u2047\u25a1a"


def test_a_language_modelling_vocabulary_has_no_specials() -> None:
    tokenizer = tokenizer_of("b\na", specials=False)
    assert tokenizer.characters == "\nab"
    assert tokenizer.unknown(PAD + MASK) == [PAD, MASK]


@given(TEXTS, st.text(st.characters(), max_size=20), st.booleans())
@examples(1.5)
@example("abc", "x\ud800y", True)
@example("", "a", False)
def test_unknown_characters_are_named_or_left_out_and_never_misread(
    vocabulary: str, text: str, specials: bool
) -> None:
    tokenizer = tokenizer_of(vocabulary, specials=specials)
    unknown = [c for c in text if c not in vocabulary]
    assert tokenizer.unknown(text) == unknown
    known = "".join(c for c in text if c in vocabulary)
    assert tokenizer.decode(tokenizer.encode_known(text)) == known
    if unknown:
        message = refused(DataError, lambda: tokenizer.encode(text))
        assert message.endswith(f"has no {describe(unknown)}")
        assert all(
            f"U+{ord(character):04X}" in message for character in [*dict.fromkeys(unknown)][:20]
        )
    else:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_each_unknown_character_is_named_once_with_its_code_point() -> None:
    tokenizer = tokenizer_of("abc", specials=True)
    assert refused(DataError, lambda: tokenizer.encode("a\u00e9\u2192\u00e9b\ud800")) == (
        "the vocabulary of 5 characters has no "
        "'\u00e9' (U+00E9), '\u2192' (U+2192), '\\ud800' (U+D800)"
    )


@pytest.mark.parametrize("character", ["\x00", "\x7f", "\ud800", "\U0010ffff"])
def test_the_first_and_last_code_points_are_characters_like_others(character: str) -> None:
    tokenizer = tokenizer_of("m", specials=True)
    assert tokenizer.unknown(f"m{character}m") == [character]
    with_it = tokenizer_of(f"m{character}", specials=True)
    assert with_it.decode(with_it.encode(f"m{character}m")) == f"m{character}m"


@pytest.mark.parametrize(("special", "code"), [(PAD, "U+25A1"), (MASK, "U+2047")])
def test_a_text_that_holds_a_marker_itself_is_refused_with_its_line(
    special: str, code: str
) -> None:
    text = f"one\ntwo\nth{special}ree\n{special}"
    with pytest.raises(DataError, match=rf"^wiki.txt:3: holds '{special}' \({re.escape(code)}\)"):
        Tokenizer.from_corpus(corpus_of(text, "wiki.txt"), specials=True)
    assert special in Tokenizer.from_corpus(corpus_of(text), specials=False).characters


def test_an_empty_text_has_no_ids() -> None:
    tokenizer = tokenizer_of("abc", specials=True)
    assert tokenizer.encode("").tolist() == []
    assert tokenizer.decode([]) == ""


def test_the_questions_characters_are_in_the_vocabulary_in_sorted_order() -> None:
    corpus, others = corpus_of("b\na"), "?b\u00e9\u65e5"
    with_marks = Tokenizer.from_corpus(corpus, others, specials=True)
    assert with_marks.characters == f"{PAD}{MASK}\n?ab\u00e9\u65e5"
    assert with_marks.unknown(others) == []


@pytest.mark.real_data
@pytest.mark.parametrize("with_questions", [False, True])
def test_the_biographies_have_256_characters_with_the_specials(
    real_data: Path, with_questions: bool
) -> None:
    folder = real_data / "birthplaces"
    corpus = read_corpus(folder / "wiki.txt")
    asked = read_questions(folder / "birth_places_train.tsv").characters(answers=True)
    tokenizer = Tokenizer.from_corpus(corpus, asked * with_questions, specials=True)
    assert asked
    assert len(tokenizer) == 256
    assert tokenizer.characters[:4] == f"{PAD}{MASK}\n "
    assert tokenizer.decode(tokenizer.encode(corpus.text)) == corpus.text


@pytest.mark.real_data
def test_shakespeare_has_65_characters_and_no_specials(real_data: Path) -> None:
    corpus = read_corpus(real_data / "tinyshakespeare" / "input.txt")
    tokenizer = Tokenizer.from_corpus(corpus, specials=False)
    assert len(tokenizer) == 65
    assert tokenizer.unknown(PAD + MASK) == [PAD, MASK]
