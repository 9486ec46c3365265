"""Questions are read as they are, or refused by line."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoknow.data.questions import questions_from_bytes, read_questions
from tests.helpers.text_files import BOM, ENCODINGS, FIELD, PAIRS, encoded, pairs_of, refusal


@given(PAIRS, ENCODINGS)
@example([("q", "a")], {"bom": True, "crlf": True, "ended": False})
@example([("a\u2028b\x85c", "\x0b\x1c.")], {"bom": False, "crlf": True, "ended": True})
def test_any_pairs_read_back_the_same(
    pairs: list[tuple[str, str]], encoding: dict[str, bool]
) -> None:
    raw = encoded([f"{question}\t{answer}" for question, answer in pairs], **encoding)
    questions = questions_from_bytes(raw, "FILE")
    assert pairs_of(questions) == pairs
    assert [item.line for item in questions.items] == list(range(1, len(pairs) + 1))
    assert questions.answered


@given(st.lists(FIELD, min_size=1, max_size=6), ENCODINGS)
def test_lines_without_any_tab_are_questions_without_answers(
    lines: list[str], encoding: dict[str, bool]
) -> None:
    questions = questions_from_bytes(encoded(lines, **encoding), "FILE")
    assert pairs_of(questions) == [(line, None) for line in lines]
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
    ],
)
def test_a_line_that_is_no_question_and_answer_is_refused_with_its_line(
    raw: bytes, message: str
) -> None:
    assert refusal(questions_from_bytes, raw).startswith(message)
    assert refusal(questions_from_bytes, BOM + raw).startswith(message)


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
