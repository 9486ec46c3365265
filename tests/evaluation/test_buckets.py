"""Answers split by what the training texts say of their questions."""

from __future__ import annotations

from collections import Counter
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.answers import RIGHT, Answer
from nanoknow.evaluation.buckets import (
    ASKED,
    ASKED_OTHERWISE,
    BANDS,
    UNASKED,
    buckets,
    frequency_bands,
)
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex
from tests.helpers.texts import corpus_of

DOCUMENTS = (
    "Ada Bo. Ada Bo was born in Rome.",
    "Cy Dee. Of Cy Dee much could be told before one comes to Oslo.",
    "Eve Fox. Nothing is known of her.",
)


def ask(name: str) -> str:
    return f"Where was {name} born?"


def answered(name: str, gold: str, answer: str, probability: float = 0.5) -> Answer:
    verdict = RIGHT if answer == gold else None
    return Answer(ask(name), (gold,), answer, log(probability), verdict, None, None, "")


def facts(training: list[tuple[str, str]] | None) -> FactIndex:
    items = tuple(Question(ask(name), (place,), 1) for name, place in training or [])
    questions = QuestionSet("train.tsv", items, "") if training is not None else None
    return FactIndex(corpus_of("\n".join(DOCUMENTS)), questions)


def test_a_fact_is_within_reach_further_on_missing_or_without_a_document() -> None:
    answers = [
        answered("Ada Bo", "Rome", "Rome", 0.9),
        answered("Cy Dee", "Oslo", "Rome", 0.7),
        answered("Eve Fox", "Lima", "Rome", 0.2),
        answered("Gus Hall", "Bern", "Rome", 0.1),
    ]
    found = buckets(answers, facts(None), 40)
    assert [(b.name, b.score) for b in found] == [
        ("in the 40 characters trained on", Score(1, 1)),
        ("only further on", Score(0, 1)),
        ("not there", Score(0, 1)),
        ("no document about the person", Score(0, 1)),
    ]
    assert [b.median_confidence for b in found] == pytest.approx([0.9, 0.7, 0.2, 0.1])
    whole = {b.name: b.score for b in buckets(answers, facts(None), None)}
    assert whole["there"] == Score(1, 2)


def test_questions_are_told_apart_by_what_training_asked() -> None:
    training = [("Ada Bo", "Rome"), ("Cy Dee", "Rome"), ("Ada Bo", "Ostia")]
    answers = [
        answered("Ada Bo", "Ostia", "Rome"),
        answered("Cy Dee", "Oslo", "Oslo"),
        answered("Eve Fox", "Rome", "Rome"),
    ]
    found = {b.name: b.score for b in buckets(answers, facts(training), None)}
    assert found[ASKED] == Score(0, 1)
    assert found[ASKED_OTHERWISE] == Score(1, 1)
    assert found[UNASKED] == Score(1, 1)
    assert found["never"] == Score(1, 1)  # Oslo is no training answer


def test_head_middle_and_tail_hold_a_third_of_the_training_questions_each() -> None:
    counts = Counter({"London": 40, "Paris": 20, "Rome": 20, "Oslo": 10, "Bern": 10, "Bonn": 5})
    assert frequency_bands(counts) == {40: "head", 20: "middle", 10: "tail", 5: "tail"}
    assert frequency_bands(Counter({"Bern": 1, "Bonn": 1})) == {1: "head"}


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
    found = buckets(answers, facts([("Ada Bo", "Rome"), ("Cy Dee", "Lima")]), 30)
    for group in {b.group for b in found}:
        part = [b.score for b in found if b.group == group]
        assert sum(score.n for score in part) == len(rows)
        assert sum(score.n_right for score in part) == sum(right for _, right in rows)
