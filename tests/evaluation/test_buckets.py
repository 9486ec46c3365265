"""Answers split, and wrong ones sorted, by what the training texts say of their questions."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoknow.data.questions import Question
from nanoknow.evaluation import answers
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
from nanoknow.evaluation.buckets import (
    ASKED,
    ASKED_OTHERWISE,
    BANDS,
    UNASKED,
    buckets,
    frequency_bands,
)
from nanoknow.evaluation.scores import Score
from nanoknow.evaluation.wrong_answers import Fallback, sort_wrong_answers
from tests.helpers.examples import examples
from tests.helpers.questions import asked, born, facts_of, said

DOCUMENTS = (
    "Ada Bo. Ada Bo was born in Rome.",
    "Cy Dee. Of Cy Dee much could be told before one comes to Oslo.",
    "Eve Fox. Nothing is known of her.",
)


def answered(name: str, gold: str, answer: str, probability: float = 0.5) -> Answer:
    return said(answer, gold, question=born(name), confidence=probability)


def test_a_fact_is_within_reach_further_on_missing_or_without_a_document() -> None:
    answers = [
        answered("Ada Bo", "Rome", "Rome", 0.9),
        answered("Cy Dee", "Oslo", "Rome", 0.7),
        answered("Eve Fox", "Lima", "Rome", 0.2),
        answered("Gus Hall", "Bern", "Rome", 0.1),
    ]
    found = buckets(answers, facts_of(DOCUMENTS), 40)
    assert [(b.name, b.score) for b in found] == [
        ("in the 40 characters trained on", Score(1, 1)),
        ("only further on", Score(0, 1)),
        ("not there", Score(0, 1)),
        ("no document about the subject", Score(0, 1)),
    ]
    assert [b.median_confidence for b in found] == pytest.approx([0.9, 0.7, 0.2, 0.1])
    whole = {b.name: b.score for b in buckets(answers, facts_of(DOCUMENTS), None)}
    assert whole["there"] == Score(1, 2)


def test_questions_are_told_apart_by_what_training_asked() -> None:
    training = asked(("Ada Bo", "Rome"), ("Cy Dee", "Rome"), ("Ada Bo", "Ostia"))
    answers = [
        answered("Ada Bo", "Ostia", "Rome"),
        answered("Cy Dee", "Oslo", "Oslo"),
        answered("Eve Fox", "Rome", "Rome"),
    ]
    found = {b.name: b.score for b in buckets(answers, facts_of(DOCUMENTS, training), None)}
    assert found[ASKED] == Score(0, 1)
    # Oslo is no training answer
    assert found[ASKED_OTHERWISE] == found[UNASKED] == found["never"] == Score(1, 1)


def test_head_middle_and_tail_hold_a_third_of_the_training_questions_each() -> None:
    counts = Counter({"London": 40, "Paris": 20, "Rome": 20, "Oslo": 10, "Bern": 10, "Bonn": 5})
    assert frequency_bands(counts) == {40: "head", 20: "middle", 10: "tail", 5: "tail"}
    assert frequency_bands(Counter({"Bern": 1, "Bonn": 1})) == {1: "head"}


def test_a_band_says_how_often_and_the_most_frequent_of_the_accepted_answers_counts() -> None:
    places = [*["Rome"] * 9, *["Oslo"] * 2, "Lima"]
    training = asked(*((f"Ada{i} Bo", place) for i, place in enumerate(places)))
    answers = [said("Rome", "Lima", "Rome"), said("Rome", "Oslo"), said("Bonn", "Bonn")]
    found = {b.name: b.score for b in buckets(answers, facts_of(DOCUMENTS, training), None)}
    assert found["head: 9 times"] == found["never"] == Score(1, 1)
    assert found["tail: 1 to 2 times"] == Score(0, 1)
    once = buckets(answers, facts_of(DOCUMENTS, asked(("Ada Bo", "Rome"))), None)
    assert "head: 1 time" in [b.name for b in once]


@given(counts=st.dictionaries(st.text(min_size=1), st.integers(1, 50), min_size=1))
def test_a_more_frequent_answer_is_never_in_a_lower_band(counts: dict[str, int]) -> None:
    bands = frequency_bands(Counter(counts))
    assert set(bands) == set(counts.values())
    order = [BANDS.index(bands[times]) for times in sorted(bands, reverse=True)]
    assert order == sorted(order)
    assert order[0] == 0


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["Ada Bo", "Cy Dee", "Eve Fox", "Gus Hall"]), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_every_split_holds_every_question_once(rows: list[tuple[str, bool]]) -> None:
    answers = [answered(name, "Rome", "Rome" if right else "Oslo") for name, right in rows]
    training = asked(("Ada Bo", "Rome"), ("Cy Dee", "Lima"))
    found = buckets(answers, facts_of(DOCUMENTS, training), 30)
    for group in {b.group for b in found}:
        part = [b.score for b in found if b.group == group]
        assert sum(score.n for score in part) == len(rows)
        assert sum(score.n_right for score in part) == sum(right for _, right in rows)


FACTS = facts_of(
    ("Eve Fox. Eve Fox, a poet, left Lima for Bern.", "Ada Fox. Of Rome, a tailor."),
    asked(("Ada Fox", "Rome"), ("Bo Hall", "Oslo"), ("Cy Hall", "Rome")),
)


def test_one_accepted_answer_that_training_asks_for_is_enough() -> None:
    accepted = [("Lima", "Rome"), ("Lima", "Bern")]
    questions = [Question(born("Ada Fox"), gold, 1) for gold in accepted]
    found = [answers.judged(question, "Lima", 0.0, FACTS, "") for question in questions]
    assert [answer.seen_in_training for answer in found] == [True, False]


def judged(name: str, gold: str, answer: str) -> Answer:
    verdict = judge(Question(born(name), (gold,), 1), answer, FACTS)
    return said(answer, gold, question=born(name), verdict=verdict)


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
    found = sort_wrong_answers([judged("Eve Fox", gold, answer)], FACTS, {})
    assert {k.name: k.n for k in found.kinds} == {k: int(k == kind) for k in VERDICTS[1:]}


def test_right_answers_are_not_among_the_wrong_but_among_the_frequent() -> None:
    answers = [
        judged("A", "Rome", "Rome"),
        judged("B", "Oslo", "Rome"),
        judged("C", "Rome", "Bonn"),
    ]
    found = sort_wrong_answers(answers, FACTS, {})
    assert (found.n, found.n_questions, found.distinct) == (2, 3, 2)
    assert sum(kind.n for kind in found.kinds) == 2
    assert found.fallbacks == [Fallback("Rome", 2, 1, 2, 2)]
    assert found.similar_names is None


def test_similar_names_are_others_with_a_first_or_last_word_in_common() -> None:
    known = {born(name): name for name in ("Eve Fox", "Ada Fox", "Bo Hall", "Cy Hall", "Hall Eve")}
    # Rome for Eve Fox: Ada Fox's. Rome for Ada Fox: only her own. Oslo for Hall Eve: nobody's, as
    # a last word is no first word.
    answers = [
        judged("Eve Fox", "Lima", "Rome"),
        judged("Ada Fox", "Lima", "Rome"),
        judged("Hall Eve", "Lima", "Oslo"),
    ]
    found = sort_wrong_answers(answers, FACTS, known).similar_names
    assert found is not None
    assert found.n == 1
    # Of the three wrong answers two say Rome, which only Eve Fox has a similar name for.
    assert found.expected == pytest.approx(2 / 3)


def test_names_of_one_word_are_similar_to_none() -> None:
    facts = facts_of(["Plato. Of Rome."], asked(("Plato", "Rome"), ("Ada Fox", "Oslo")))
    known = {born(name): name for name in ("Plato", "Ada Fox", "Plato Fox")}
    answers = [said("Rome", "Lima", question=born(name), verdict=KNOWN) for name in known]
    found = [sort_wrong_answers([one], facts, known).similar_names for one in answers]
    assert [one and one.n for one in found] == [0, 0, 0]
    alone = facts_of(["Plato. Of Rome."], asked(("Plato", "Rome")))
    assert sort_wrong_answers(answers, alone, known).similar_names is None


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


@example(gold="aba", answer="ab")
@given(gold=st.text("ab", min_size=1, max_size=8), answer=st.text("ab", max_size=8))
def test_a_near_miss_is_at_most_two_letters_and_a_third_away(gold: str, answer: str) -> None:
    distance = edit_distance(answer, gold)
    assert is_near(answer, gold) == (distance <= 2 and 3 * distance <= len(gold))
