"""Exact match, what to compare it with, and whether an answer was known or made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from typing import Any

from nanoknow.data.questions import Question
from nanoknow.facts.index import FactIndex
from nanoknow.generation.greedy import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.tasks.question_answering import QuestionAnswering, answer_text, is_right

RIGHT, PLACE, WORDS, NOWHERE = (
    "right",
    "wrong, a known place",
    "wrong, other words of the training text",
    "wrong, found nowhere in the training text",
)
VERDICTS = (RIGHT, PLACE, WORDS, NOWHERE)
"""A known place is the answer of some training question."""


@dataclass(frozen=True)
class Answer:
    """One answered question.

    Attributes:
        question: as it was asked.
        gold: the right answer, where the file has one.
        answer: what the model wrote.
        log_probability: of the answer and its end, in nats.
        verdict: one of ``VERDICTS``; None where it cannot be told.
        in_document: whether the fact stands in the person's own document.
        seen_in_training: whether the gold answer is a training question's answer.
        left_out: characters of the question that the vocabulary does not hold.
    """

    question: str
    gold: str | None
    answer: str
    log_probability: float
    verdict: str | None
    in_document: bool | None
    seen_in_training: bool | None
    left_out: str

    @property
    def confidence(self) -> float:
        """The probability that the model gave to the whole answer and its end."""
        return exp(self.log_probability)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def answer_questions(
    model: CharacterModel, task: QuestionAnswering, facts: FactIndex | None = None
) -> list[Answer]:
    """Ask a model every question of a task.

    Args:
        model: a finetuned one.
        task: the questions, with or without answers.
        facts: the training data, to tell knowing from guessing.
    """
    decoded = decode_greedily(model, task.prompts, task.tokenizer.mask_id, task.max_answer_length)
    return [
        _judge(question, answer_text(task.tokenizer, d.ids), d.log_probability, task, facts)
        for question, d in zip(task.questions.items, decoded, strict=True)
    ]


def _judge(
    question: Question,
    answer: str,
    log_probability: float,
    task: QuestionAnswering,
    facts: FactIndex | None,
) -> Answer:
    gold = question.answer
    right = gold is not None and is_right(answer, gold)
    verdict = None
    if right:
        verdict = RIGHT
    elif gold is not None and facts is not None:
        known = answer in facts.answer_counts
        verdict = PLACE if known else WORDS if facts.mentions(answer) else NOWHERE
    has_answers = facts is not None and facts.training is not None
    return Answer(
        question.text,
        gold,
        answer,
        log_probability,
        verdict,
        facts.in_documents(question) if facts is not None and gold is not None else None,
        gold in facts.answer_counts if facts is not None and has_answers and gold else None,
        "".join(task.tokenizer.unknown(question.text)),
    )


def count_right(answers: Sequence[Answer]) -> int:
    """Return how many answers match exactly."""
    return sum(a.gold is not None and is_right(a.answer, a.gold) for a in answers)


def count_verdicts(answers: Sequence[Answer]) -> dict[str, int]:
    """Return how many answers fell under each verdict."""
    counts = Counter(a.verdict for a in answers)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def split_by_facts(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Score apart by whether the fact stands in the document and the answer was seen."""
    rows = []
    for in_document in (True, False):
        for seen in (True, False):
            part = [
                a for a in answers if (a.in_document, a.seen_in_training) == (in_document, seen)
            ]
            rows.append(
                {
                    "in_document": in_document,
                    "seen_in_training": seen,
                    "n": len(part),
                    "n_right": count_right(part),
                    "verdicts": count_verdicts(part),
                }
            )
    return rows
