"""``nanoknow baseline``: one answer for everybody, the floor under every accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanoknow.config import DataConfig
from nanoknow.data.facts import most_frequent_answer
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError, DataError
from nanoknow.evaluator import Score, constant_baseline


@dataclass(frozen=True)
class Baseline:
    """One answer for everybody."""

    answer: str
    questions: str
    score: Score

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"answer": self.answer, "questions": self.questions, **self.score.to_json()}


def baseline(data: DataConfig, answer: str | None) -> Baseline:
    """Say one answer to every question: the one given, or the most frequent in training.

    Raises:
        ConfigError: files that it needs are not named.
        DataError: they cannot be read, or hold no answers.
    """
    texts = Texts.find(data)
    questions = texts.require_eval()
    if not questions.answered:
        raise DataError(
            f"{questions.name}: has no answers to compare with: name a file of "
            f"question<TAB>answer lines with --eval"
        )
    if answer is None:
        if texts.questions is None:
            raise ConfigError(
                "baseline says the most frequent training answer: name the training questions "
                "with --questions FILE, or the answer with --answer TEXT"
            )
        if not texts.questions.answered:
            raise DataError(f"{texts.questions.name}: has no answers: name another --questions")
        answer = most_frequent_answer(texts.questions.items)
    return Baseline(answer, questions.name, constant_baseline(questions.items, answer))
