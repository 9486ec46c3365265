"""Baselines score the questions themselves, and beside a model's answers."""

from __future__ import annotations

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.answers import Answer
from nanoknow.evaluation.baseline import constant_baseline
from nanoknow.evaluation.scores import Score, pair


def question_set(items: list[Question]) -> QuestionSet:
    return QuestionSet("q.tsv", tuple(items), "0" * 64)


def test_a_constant_answer_scores_the_questions_that_have_it() -> None:
    items = [Question(f"Where was {i} born?", ("London",), i) for i in range(25)]
    items += [Question(f"Where was {i} born?", ("Paris",), i) for i in range(470)]
    near = ("london", "London ", "New London", "", "L")
    items += [Question("Where?", (answer,), 0) for answer in near]
    assert constant_baseline(question_set(items), "London").score == Score(25, 500)
    assert constant_baseline(question_set(items), "Oslo").score == Score(0, 500)


def test_a_constant_answer_is_never_right_where_there_are_no_answers() -> None:
    questions = question_set([Question("Where?", (), 1)])
    assert constant_baseline(questions, "London").score == Score(0, 1)


def test_a_baseline_is_paired_with_a_models_answers() -> None:
    questions = question_set([Question("Where?", ("Rome", "Roma"), i) for i in range(4)])
    ours = [
        Answer("Where?", ("Rome", "Roma"), said, -1.0, None, None, None, "")
        for said in ("Rome", "Oslo", "Oslo", "Oslo")
    ]
    found = constant_baseline(questions, "Roma").beside(ours)
    assert (found.name, found.score) == ("saying 'Roma' to all", Score(4, 4))
    assert found.pairing == pair([True, False, False, False], [True] * 4)
