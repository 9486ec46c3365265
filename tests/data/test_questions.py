"""Questions are read as they are, or refused by line."""

from collections import Counter
from pathlib import Path
from time import process_time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nanoknow.data.questions import questions_from_bytes, read_questions
from nanoknow.data.rows import form_of
from nanoknow.data.tokenizer import SPECIALS
from tests.helpers.text_files import (
    BOM,
    DIRECTIONS,
    ENCODINGS,
    FIELD,
    PAIRS,
    UNSEEN,
    encoded,
    pairs_of,
    refusal,
    seen,
)


@given(PAIRS, ENCODINGS)
@example([("q", "a")], {"bom": True, "crlf": True, "ended": False})
@example([("a\u2028b\x85c", "\x0b\x1c.")], {"bom": False, "crlf": True, "ended": True})
def test_any_pairs_read_back_the_same(
    pairs: list[tuple[str, str]], encoding: dict[str, bool]
) -> None:
    assume(form_of("\n".join(map("\t".join, pairs)), "FILE", "question") is None)
    raw = encoded([f"{question}\t{answer}" for question, answer in pairs], **encoding)
    questions = questions_from_bytes(raw, "FILE")
    whole = ["\t".join(pair) for pair in pairs]
    assert [f"{q.text}\t{q.answer}" for q in questions.items] == [seen(x) for x in whole]
    assert questions.stripped == sum(seen(line) != line for line in whole)
    assert [item.line for item in questions.items] == list(range(1, len(pairs) + 1))
    assert questions.answered


@given(st.lists(FIELD, min_size=1, max_size=6), ENCODINGS)
def test_lines_without_any_tab_are_questions_without_answers(
    lines: list[str], encoding: dict[str, bool]
) -> None:
    assume(form_of("\n".join(lines), "FILE", "question") is None)
    questions = questions_from_bytes(encoded(lines, **encoding), "FILE")
    assert pairs_of(questions) == [(seen(line), None) for line in lines]
    assert not questions.answered


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a\tb\nc d\ne\tf\n", "FILE:2: no tab, where other lines have one: write question<TAB>"),
        (b"c d\na\tb\n", "FILE:1: no tab, where other lines have one"),
        (b"a\tb\nc", "FILE:2: no tab, where other lines have one"),
        (b"a\tb\nc\td\te\n", "FILE:2: 2 tabs: write question<TAB>answer with one tab"),
        (b"a\t\tb\n", "FILE:1: 2 tabs"),
        (b"a\tb\nc\t\n", "FILE:2: no answer: write question<TAB>answer"),
        (b"a\t  \n", "FILE:1: no answer"),
        (b"\tb\n", "FILE:1: no question"),
        (b"a\tb\n\nc\td\n", "FILE:2: an empty line: delete it"),
        (b"a\tb\r\n\r\n", "FILE:2: an empty line"),
        (b"a\n \nb\n", "FILE:2: an empty line"),
        (b"\t\n", "FILE:1: an empty line"),
        (b"\n", "FILE:1: an empty line"),
        (b"a\tb\nc\t\xe2\x80\x8b \xef\xbb\xbf\n", "FILE:2: no answer"),
        (b"a\tb\n\xe2\x80\x8f\td\n", "FILE:2: no question"),
        *(
            (f"a\tb\n{line}\n".encode(), f"FILE:2: holds {mark!r} (U+{ord(mark):04X}), which")
            for mark in SPECIALS
            for line in (f"a{mark}?\tb", f"a\t{mark}b", f"a\tb{mark}")
        ),
    ],
)
def test_a_line_that_is_no_question_and_answer_is_refused_with_its_line(
    raw: bytes, message: str
) -> None:
    assert refusal(questions_from_bytes, raw).startswith(message)
    assert refusal(questions_from_bytes, BOM + raw).startswith(message)


def test_every_blank_and_unseen_character_at_an_end_is_left_out_and_its_line_counted() -> None:
    blanks = [c for c in map(chr, range(0x110000)) if c.isspace() and c not in "\t\n"]
    odd = [*blanks, *UNSEEN, *DIRECTIONS]
    lines = [f"{c}{c}W?{c}\t{c}Paris{c}{c}" for c in odd]
    questions = questions_from_bytes(("\n".join(lines) + "\nV?\tOslo\n").encode(), "q.tsv")
    assert {(q.text, q.gold) for q in questions.items} == {("W?", ("Paris",)), ("V?", ("Oslo",))}
    assert questions.stripped == len(odd)
    assert questions.notes == [
        f"q.tsv: blanks at the ends and invisible characters left out of {len(odd)} lines"
    ]
    assert questions_from_bytes(b"W?\tParis\n", "q.tsv").notes == []


def test_a_question_of_thousands_of_lines_is_read_in_seconds() -> None:
    began = process_time()
    questions = questions_from_bytes(b"W?\tOslo\nW?\tRome\n" * 10_000, "q.tsv")
    assert process_time() - began < 10
    assert [q.gold for q in questions.items[:2]] == [("Oslo", "Rome"), ("Rome", "Oslo")]
    assert {q.gold for q in questions.items[::2]} == {("Oslo", "Rome")}


def test_what_has_a_meaning_within_a_word_is_kept_there() -> None:
    [joined, spaced] = questions_from_bytes(
        "W?\t\u202b\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u200f\u202c\n"
        "W?\tPa\u200bris\xa0VI\ufeff e\r\r\n".encode(),
        "q.tsv",
    ).items
    assert joined.answer == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert spaced.answer == "Paris\xa0VI e"


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["birth_places_train", "birth_dev", "birth_test_inputs"])
def test_nothing_is_left_out_of_the_published_questions(real_data: Path, name: str) -> None:
    assert not read_questions(real_data / "birthplaces" / f"{name}.tsv").stripped


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "lines", "repeated", "non_ascii"),
    [("birth_places_train.tsv", 2000, 9, 124), ("birth_dev.tsv", 500, 0, 17)],
)
def test_the_answered_questions_are_as_many_as_published(
    real_data: Path, name: str, lines: int, repeated: int, non_ascii: int
) -> None:
    questions = read_questions(real_data / "birthplaces" / name)
    assert questions.answered
    assert [item.line for item in questions.items] == list(range(1, lines + 1))
    times = Counter(item.text for item in questions.items)
    assert Counter(times.values()) == Counter({1: lines - 2 * repeated, 2: repeated})
    answers = {(item.text, item.answer) for item in questions.items}
    assert len(answers) == lines  # a question that is there twice has different answers
    beyond = [item for item in questions.items if not f"{item.text}{item.answer}".isascii()]
    assert len(beyond) == non_ascii


@pytest.mark.real_data
def test_the_test_questions_have_no_answers(real_data: Path) -> None:
    questions = read_questions(real_data / "birthplaces" / "birth_test_inputs.tsv")
    assert not questions.answered
    assert [item.answer for item in questions.items] == [None] * 437


@pytest.mark.real_data
def test_one_name_stands_in_both_train_and_dev(real_data: Path) -> None:
    folder = real_data / "birthplaces"
    train = {item.text for item in read_questions(folder / "birth_places_train.tsv").items}
    dev = {item.text for item in read_questions(folder / "birth_dev.tsv").items}
    assert train & dev == {"Where was George Stone born?"}
