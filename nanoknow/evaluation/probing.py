"""What comes of asking a model the probes of ``data/probes.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanoknow.data.questions import Question
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.evaluation.answers import Answer, count_right
from nanoknow.evaluation.buckets import confidences, rights
from nanoknow.evaluation.calibration import auroc, median
from nanoknow.evaluation.probes import Probe
from nanoknow.evaluation.scores import Pairing, Score, pair
from nanoknow.facts.index import FactIndex
from nanoknow.tasks.question_answering import prompt_ids


@dataclass(frozen=True)
class ProbeResult:
    """The same questions asked in another way, beside themselves as they were.

    Attributes:
        name: what was done to them.
        example: one of them.
        score: asked so.
        as_asked: the same questions as the file has them.
        pairing: as asked against asked so.
        n_same: answers that stayed the same.
        confidence: the median, asked so.
        confidence_as_asked: the median of the same questions as the file has them.
    """

    name: str
    example: str
    score: Score
    as_asked: Score
    pairing: Pairing
    n_same: int
    confidence: float
    confidence_as_asked: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **vars(self),
            "score": self.score.to_json(),
            "as_asked": self.as_asked.to_json(),
            "pairing": vars(self.pairing),
        }


@dataclass(frozen=True)
class InventedPeople:
    """What the model says of people who do not exist.

    Attributes:
        n: how many it was asked about.
        n_places: answers that are the answer of some training question.
        confidence: the median.
        confidence_of_real: the median of the evaluation questions.
        auroc: how often it is surer of somebody real than of somebody invented.
        n_sure: answers as sure as what it would take for the target accuracy; None where no
            confidence reaches that.
        threshold: that confidence.
        confidences: all of them, ascending.
        confidences_of_real: likewise.
        fallbacks: the most frequent answers with their counts.
        examples: the surest answers.
    """

    n: int
    n_places: int
    confidence: float
    confidence_of_real: float
    auroc: float
    n_sure: int | None
    threshold: float | None
    confidences: list[float]
    confidences_of_real: list[float]
    fallbacks: list[tuple[str, int]]
    examples: list[Answer]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**vars(self), "examples": [a.to_json() for a in self.examples]}


def fitting(probe: Probe, tokenizer: Tokenizer, block_size: int) -> Probe:
    """Return a probe without the questions that are longer than a model's block."""

    def fits(question: Question) -> bool:
        answer = tokenizer.encode_known(question.answer or "")
        return len(prompt_ids(tokenizer, question.text)) + len(answer) < block_size

    kept = [i for i, question in enumerate(probe.questions) if fits(question)]
    sources = tuple(probe.sources[i] for i in kept) if probe.sources else ()
    return Probe(probe.name, tuple(probe.questions[i] for i in kept), sources)


def judge_probe(probe: Probe, asked: Sequence[Answer], all_plain: Sequence[Answer]) -> ProbeResult:
    """Compare the answers to a probe with those to its sources; at least one.

    Args:
        probe: with sources.
        asked: its answers.
        all_plain: the answers to the evaluation questions.
    """
    plain = [all_plain[i] for i in probe.sources]
    return ProbeResult(
        name=probe.name,
        example=probe.questions[0].text,
        score=Score(count_right(asked), len(asked)),
        as_asked=Score(count_right(plain), len(plain)),
        pairing=pair(rights(plain).tolist(), rights(asked).tolist()),
        n_same=sum(a.answer == b.answer for a, b in zip(asked, plain, strict=True)),
        confidence=median(confidences(asked)) or 0.0,
        confidence_as_asked=median(confidences(plain)) or 0.0,
    )


def judge_invented(
    asked: Sequence[Answer], real: Sequence[Answer], facts: FactIndex, threshold: float | None
) -> InventedPeople:
    """Compare the answers about invented people with those about real ones; at least one each.

    Args:
        asked: about people who do not exist.
        real: about those who do.
        facts: the training texts.
        threshold: the confidence from which on the model's answers are right often enough.
    """
    invented, known = confidences(asked), confidences(real)
    surest = sorted(asked, key=lambda a: -a.log_probability)
    return InventedPeople(
        n=len(asked),
        n_places=sum(a.answer in facts.answer_counts for a in asked),
        confidence=median(invented) or 0.0,
        confidence_of_real=median(known) or 0.0,
        auroc=auroc(known, invented) or 0.0,
        n_sure=None if threshold is None else int((invented >= threshold).sum()),
        threshold=threshold,
        confidences=sorted(invented.tolist()),
        confidences_of_real=sorted(known.tolist()),
        fallbacks=Counter(a.answer for a in asked).most_common(3),
        examples=surest[:3],
    )
