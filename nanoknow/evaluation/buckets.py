"""What a model knows, by what it could have learned it from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanoknow.data.questions import Question
from nanoknow.evaluation.answers import Answer, count_right
from nanoknow.evaluation.calibration import Flags, Values, median
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex

BANDS = ("head", "middle", "tail")
"""Of the training answers: a third of the training questions each, the frequent ones first."""
NEVER = "never"
ASKED, ASKED_OTHERWISE, UNASKED = (
    "asked, with this answer",
    "asked, with another answer",
    "not asked",
)


@dataclass(frozen=True)
class Bucket:
    """Some of the questions, and how they were answered.

    Attributes:
        group: what the questions are split by.
        name: which part this is.
        score: of its questions.
        confidence: the median.
    """

    group: str
    name: str
    score: Score
    confidence: float

    @classmethod
    def of(cls, group: str, name: str, answers: Sequence[Answer]) -> Bucket:
        """Score some answers, at least one."""
        score = Score(count_right(answers), len(answers))
        return cls(group, name, score, median(confidences(answers)) or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "group": self.group,
            "name": self.name,
            **self.score.to_json(),
            "median_confidence": self.confidence,
        }


def confidences(answers: Sequence[Answer]) -> Values:
    """Return the probability that the model gave to each answer as a whole."""
    return np.array([a.confidence for a in answers], np.float64)


def rights(answers: Sequence[Answer]) -> Flags:
    """Return whether each answer is right."""
    return np.array([count_right([a]) == 1 for a in answers], np.bool_)


def buckets(answers: Sequence[Answer], facts: FactIndex, reach: int | None) -> list[Bucket]:
    """Split answers by what the training texts say of each question.

    Args:
        answers: to questions with gold answers.
        facts: the training texts.
        reach: characters of a document that training could see; None for all of them.
    """
    splits = [("the answer in the person's own document", _by_document(answers, facts, reach))]
    if facts.training is not None:
        splits += [
            ("the answer among training answers", _by_frequency(answers, facts)),
            ("the question among training questions", _by_question(answers, facts)),
        ]
    return [
        Bucket.of(group, name, part)
        for group, parts in splits
        for name, part in parts.items()
        if part
    ]


def _by_document(
    answers: Sequence[Answer], facts: FactIndex, reach: int | None
) -> dict[str, list[Answer]]:
    seen = "there" if reach is None else f"in the {reach} characters trained on"
    names = (seen, "only further on", "not there", "no document about the person")
    parts: dict[str, list[Answer]] = {name: [] for name in names}
    for answer in answers:
        question = Question(answer.question, answer.gold, 0)
        if not facts.documents_about(answer.question):
            place = 3
        elif not facts.in_documents(question):
            place = 2
        else:
            place = 0 if facts.in_documents(question, reach) else 1
        parts[names[place]].append(answer)
    return parts


def _by_frequency(answers: Sequence[Answer], facts: FactIndex) -> dict[str, list[Answer]]:
    bands = frequency_bands(facts.answer_counts)
    names = {
        band: _times(band, [n for n, other in bands.items() if other == band]) for band in BANDS
    }
    names[NEVER] = NEVER
    parts: dict[str, list[Answer]] = {name: [] for name in names.values()}
    for answer in answers:
        times = facts.answer_counts[answer.gold or ""]
        parts[names[bands[times] if times else NEVER]].append(answer)
    return parts


def _times(band: str, counts: Sequence[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    number = str(low) if low == high else f"{low} to {high}"
    return f"{band}: {number} {'time' if high == 1 else 'times'}"


def frequency_bands(counts: Counter[str]) -> dict[int, str]:
    """Return the band of the answers that occur so many times (Sun et al., 2024, Head-to-Tail).

    Answers of equal count share a band: that in which the first of them begins.
    """
    bands, before = {}, 0
    for times, n in sorted(Counter(counts.values()).items(), reverse=True):
        bands[times] = BANDS[3 * before // counts.total()]
        before += times * n
    return bands


def _by_question(answers: Sequence[Answer], facts: FactIndex) -> dict[str, list[Answer]]:
    parts: dict[str, list[Answer]] = {ASKED: [], ASKED_OTHERWISE: [], UNASKED: []}
    taught = known_answers(facts.training.items if facts.training else ())
    for answer in answers:
        given = taught.get(answer.question)
        name = UNASKED if given is None else ASKED if answer.gold in given else ASKED_OTHERWISE
        parts[name].append(answer)
    return parts


def known_answers(questions: Iterable[Question]) -> dict[str, set[str]]:
    """Return the answers that a file has for each of its questions."""
    known: dict[str, set[str]] = {}
    for question in questions:
        known.setdefault(question.text, set()).add(question.answer or "")
    return known
