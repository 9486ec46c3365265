"""``nanoknow baseline``: answers that no model is needed for, to see what accuracy is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import Question, QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError, DataError, suggest
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex, most_frequent_answer
from nanoknow.facts.lookup import LookUp
from nanoknow.tasks.question_answering import is_right


def constant_baseline(questions: Sequence[Question], answer: str) -> Score:
    """Score one answer given to every question."""
    right = sum(q.answer is not None and is_right(answer, q.answer) for q in questions)
    return Score(right, len(questions))


Method = Literal["constant", "lookup"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Baseline:
    """Answers without a model.

    Attributes:
        method: ``constant``, one answer for everybody; ``lookup``, the first place in the
            person's own document.
        answer: the constant.
    """

    method: Method
    answer: str | None
    questions: str
    score: Score

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "method": self.method,
            "answer": self.answer,
            "questions": self.questions,
            **self.score.to_json(),
        }


def baseline(data: DataConfig, answer: str | None, method: str = "constant") -> Baseline:
    """Answer every question without a model.

    Args:
        data: names the questions, and the texts that the method needs.
        answer: what ``constant`` says; None for the most frequent training answer.
        method: of ``METHODS``.

    Raises:
        ConfigError: files that it needs are not named, or there is no such method.
        DataError: they cannot be read, or hold no answers.
    """
    if method not in METHODS:
        raise ConfigError(
            f"--method {method}: unknown.{suggest(method, METHODS)} Available: {', '.join(METHODS)}"
        )
    if method == "lookup" and answer is not None:
        raise ConfigError("--answer: is for --method constant: leave one of them out")
    texts = Texts.find(data)
    questions = texts.require_eval()
    if not questions.answered:
        raise DataError(
            f"{questions.name}: has no answers to compare with: name a file of "
            f"question<TAB>answer lines with --eval"
        )
    if method == "lookup":
        training = _answered(texts, "lookup takes training answers for places: name the")
        book = LookUp(FactIndex(texts.require_corpus(), training))
        found = book.answers(q.text for q in questions.items)
        right = sum(
            is_right(said or "", q.answer or "")
            for said, q in zip(found, questions.items, strict=True)
        )
        return Baseline("lookup", None, questions.name, Score(right, len(found)))
    if answer is None:
        need = (
            "baseline says the most frequent training answer: give one with --answer TEXT, or name"
        )
        answer = most_frequent_answer(_answered(texts, need).items)
    score = constant_baseline(questions.items, answer)
    return Baseline("constant", answer, questions.name, score)


def _answered(texts: Texts, need: str) -> QuestionSet:
    if texts.questions is None:
        raise ConfigError(f"{need} training questions with --questions FILE")
    if not texts.questions.answered:
        raise DataError(f"{texts.questions.name}: has no answers: name another --questions")
    return texts.questions
