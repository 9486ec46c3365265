"""Wrong answers are sorted by what they are."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.answers import (
    KNOWN,
    NEAR,
    NOWHERE,
    OTHER,
    OWN,
    VERDICTS,
    Answer,
    edit_distance,
    is_near,
    judge,
)
from nanoknow.evaluation.wrong_answers import Fallback, sort_wrong_answers
from nanoknow.facts.index import FactIndex
from tests.helpers.examples import examples
from tests.helpers.texts import corpus_of

TRAINING = [("Ada Fox", "Rome"), ("Bo Hall", "Oslo"), ("Cy Hall", "Rome")]
FACTS = FactIndex(
    corpus_of("Eve Fox. Eve Fox, a poet, left Lima for Bern.\nAda Fox. Of Rome, a tailor."),
    QuestionSet(
        "train.tsv",
        tuple(Question(f"Where was {name} born?", (place,), 1) for name, place in TRAINING),
        "",
    ),
)


def said(name: str, gold: str, answer: str) -> Answer:
    question = Question(f"Where was {name} born?", (gold,), 1)
    verdict = judge(question, answer, FACTS)
    return Answer(question.text, question.gold, answer, -1.0, verdict, None, None, "")


def people(names: list[str]) -> dict[str, str]:
    return {f"Where was {name} born?": name for name in names}


@pytest.mark.parametrize(
    ("gold", "answer", "kind"),
    [
        ("Rome", "Roma", NEAR),
        ("Rome", "Rom", NEAR),
        ("Rome", "Rmoe", NOWHERE),  # two letters of four: too far
        ("Copenhagen", "Kopenhagen", NEAR),
        ("Lima", "Bern", OWN),
        ("Lima", "poet", OWN),
        ("Lima", "Oslo", KNOWN),
        ("Lima", "tailor", OTHER),
        ("Lima", "Xanadu", NOWHERE),
        ("Lima", "", NOWHERE),
    ],
)
def test_a_wrong_answer_is_of_the_first_kind_that_fits(gold: str, answer: str, kind: str) -> None:
    found = sort_wrong_answers([said("Eve Fox", gold, answer)], FACTS, {})
    assert {k.name: k.n for k in found.kinds} == {k: int(k == kind) for k in VERDICTS[1:]}


def test_right_answers_are_not_among_the_wrong_but_among_the_frequent() -> None:
    answers = [said("A", "Rome", "Rome"), said("B", "Oslo", "Rome"), said("C", "Rome", "Bonn")]
    found = sort_wrong_answers(answers, FACTS, {})
    assert (found.n, found.n_questions, found.distinct) == (2, 3, 2)
    assert sum(kind.n for kind in found.kinds) == 2
    assert found.fallbacks == [Fallback("Rome", 2, 1, 2, 2)]
    assert found.namesakes is None


def test_namesakes_are_others_with_a_name_in_common() -> None:
    known = people(["Eve Fox", "Ada Fox", "Bo Hall", "Cy Hall", "Hall Eve"])
    # Rome for Eve Fox: Ada Fox's. Rome for Ada Fox: only her own. Oslo for Hall Eve: nobody's, as
    # a family name is no given name.
    answers = [
        said("Eve Fox", "Lima", "Rome"),
        said("Ada Fox", "Lima", "Rome"),
        said("Hall Eve", "Lima", "Oslo"),
    ]
    found = sort_wrong_answers(answers, FACTS, known).namesakes
    assert found is not None
    assert found.n == 1
    # Of the three wrong answers two say Rome, which only Eve Fox has a namesake for.
    assert found.expected == pytest.approx(2 / 3)


@cache
def by_definition(first: str, second: str) -> int:
    if not first or not second:
        return len(first) + len(second)
    return min(
        by_definition(first[1:], second) + 1,
        by_definition(first, second[1:]) + 1,
        by_definition(first[1:], second[1:]) + (first[0] != second[0]),
    )


@given(first=st.text("abc", max_size=6), second=st.text("abc", max_size=6))
@examples(2)
def test_edit_distance_is_that_of_the_definition(first: str, second: str) -> None:
    assert edit_distance(first, second) == by_definition(first, second)


@given(gold=st.text(min_size=1, max_size=12), answer=st.text(max_size=12))
def test_a_near_miss_is_at_most_two_letters_and_a_third_away(gold: str, answer: str) -> None:
    distance = edit_distance(answer, gold)
    assert is_near(answer, gold) == (distance <= 2 and 3 * distance <= len(gold))
