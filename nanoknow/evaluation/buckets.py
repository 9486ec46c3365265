"""How much a model answers right, by what the training texts say about the question."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Self

import numpy as np

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.answers import Answer, group_answers, score_answers
from nanoknow.evaluation.calibration import Flags, Values, median
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex

BANDS = ("head", "middle", "tail")
"""Training answers from frequent to rare; each band has about a third of the training questions."""
NEVER = "never"
ASKED, ASKED_OTHERWISE = "asked, with this answer", "asked, with another answer"
UNASKED = "not asked"


@dataclass(frozen=True)
class Bucket:
    """Some of the questions, and how they were answered.

    Attributes:
        group: what the questions are split by.
        name: which part this is.
        score: of its questions.
    """

    group: str
    name: str
    score: Score
    median_confidence: float
    JSON: ClassVar[tuple[str, ...]] = ("group", "name", "*score", "median_confidence")

    @classmethod
    def of(cls, group: str, name: str, answers: Sequence[Answer]) -> Self:
        """Score some answers, at least one."""
        return cls(group, name, score_answers(answers), median(confidences(answers)) or 0.0)


@dataclass(frozen=True)
class Overlap:
    """Evaluation questions that are training questions too.

    Attributes:
        n: how many.
        others: exact match of the others; None without any, or without accepted answers.
    """

    n: int
    others: Score | None

    @classmethod
    def of(cls, answers: Sequence[Answer], training: QuestionSet) -> Self:
        """Count the questions that are training questions, and score the answers to the others."""
        others = [answer for answer in answers if answer.question not in training.texts]
        score = score_answers(others) if others and others[0].gold else None
        return cls(len(answers) - len(others), score)


def confidences(answers: Sequence[Answer]) -> Values:
    """Return the probability that the model gave to each answer as a whole."""
    return np.array([a.confidence for a in answers], np.float64)


def rights(answers: Sequence[Answer]) -> Flags:
    """Return whether each answer is right."""
    return np.array([a.is_right for a in answers], np.bool_)


def buckets(answers: Sequence[Answer], facts: FactIndex, reach: int | None) -> list[Bucket]:
    """Split answers by what the training texts say of each question.

    Args:
        answers: to questions with gold answers.
        facts: the training texts.
        reach: characters of a document that training could see; None for all of them.
    """
    splits = [("the answer in the subject's own document", _by_document(answers, facts, reach))]
    if facts.training is not None:
        splits += [
            ("the answer among training answers", _by_frequency(answers, facts)),
            ("the question among training questions", _by_question(answers, facts.training)),
        ]
    found = ((group, name, part) for group, parts in splits for name, part in parts.items())
    return [Bucket.of(group, name, part) for group, name, part in found if part]


def _by_document(
    answers: Sequence[Answer], facts: FactIndex, reach: int | None
) -> dict[str, list[Answer]]:
    seen = "there" if reach is None else f"in the {reach} characters trained on"
    further, missing, without = "only further on", "not there", "no document about the subject"

    def part(answer: Answer) -> str:
        question = Question(answer.question, answer.gold, 0)
        if facts.in_documents(question, reach):
            return seen
        if facts.in_documents(question):
            return further
        return missing if facts.documents_about(answer.question) else without

    return group_answers(answers, part, (seen, further, missing, without))


def _by_frequency(answers: Sequence[Answer], facts: FactIndex) -> dict[str, list[Answer]]:
    bands = frequency_bands(facts.answer_counts)
    names = {band: _times(band, [*counts]) for band, counts in groupby(bands, bands.__getitem__)}

    def part(answer: Answer) -> str:
        times = max(facts.answer_counts[gold] for gold in answer.gold)
        return names[bands[times]] if times else NEVER

    return group_answers(answers, part, (*names.values(), NEVER))


def _times(band: str, counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    number = str(low) if low == high else f"{low} to {high}"
    return f"{band}: {number} {'time' if high == 1 else 'times'}"


def frequency_bands(counts: Counter[str]) -> dict[int, str]:
    """Return the band for each count of an answer (Sun et al., 2024, Head-to-Tail).

    Answers that occur equally often share a band: the one in which the first of them begins.
    """
    bands, before = {}, 0
    for times, n in sorted(Counter(counts.values()).items(), reverse=True):
        bands[times] = BANDS[3 * before // counts.total()]
        before += times * n
    return bands


def _by_question(answers: Sequence[Answer], training: QuestionSet) -> dict[str, list[Answer]]:
    taught = {question.text: set(question.gold) for question in training.items}

    def part(answer: Answer) -> str:
        if answer.question not in taught:
            return UNASKED
        return ASKED_OTHERWISE if taught[answer.question].isdisjoint(answer.gold) else ASKED

    return group_answers(answers, part, (ASKED, ASKED_OTHERWISE, UNASKED))
