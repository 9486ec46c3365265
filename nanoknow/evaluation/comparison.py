"""Several runs on the same questions, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nanoknow.evaluation.answers import Answer, count_right
from nanoknow.evaluation.buckets import confidences, rights
from nanoknow.evaluation.calibration import auroc, median
from nanoknow.evaluation.scores import Pairing, Score, holm, pair


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        letter: stands for it where pairs are named.
        run: its folder.
        score: exact match.
        score_in_document: of the questions whose answer stands in the person's own document;
            None where that is not known, or holds for none.
        confidence: the median.
        auroc: how often a right answer is surer than a wrong one; None without both.
    """

    letter: str
    run: str
    score: Score
    score_in_document: Score | None
    confidence: float
    auroc: float | None

    @classmethod
    def of(cls, letter: str, run: str, answers: Sequence[Answer]) -> ComparedRun:
        """Sum up a run's answers, at least one."""
        right, sure = rights(answers), confidences(answers)
        told = [a for a in answers if a.in_document]
        return cls(
            letter=letter,
            run=run,
            score=Score(count_right(answers), len(answers)),
            score_in_document=Score(count_right(told), len(told)) if told else None,
            confidence=median(sure) or 0.0,
            auroc=auroc(sure[right], sure[~right]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        inside = self.score_in_document
        return {
            **vars(self),
            "score": self.score.to_json(),
            "score_in_document": inside.to_json() if inside else None,
        }


@dataclass(frozen=True)
class ComparedPair:
    """Two of the runs, side by side.

    Attributes:
        first, second: their letters.
        corrected_p: by Holm (1979) for the number of pairs.
    """

    first: str
    second: str
    pairing: Pairing
    corrected_p: float


@dataclass(frozen=True)
class Comparison:
    """Several runs on the same questions.

    Attributes:
        questions: their name.
        runs: in the order asked for.
        pairs: each with each, earlier ones first.
        all_right: questions that every run answers right.
        none_right: questions that none does.
    """

    questions: str
    n: int
    runs: list[ComparedRun]
    pairs: list[ComparedPair]
    all_right: int
    none_right: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **vars(self),
            "runs": [run.to_json() for run in self.runs],
            "pairs": [asdict(each) for each in self.pairs],
        }


def compare_answers(
    questions: str, runs: Sequence[str], answers: Sequence[Sequence[Answer]]
) -> Comparison:
    """Compare the answers of two runs or more to the same questions."""
    letters = [_letter(i) for i in range(len(runs))]
    right = [rights(each).tolist() for each in answers]
    chosen = list(itertools.combinations(range(len(runs)), 2))
    pairings = [pair(right[i], right[j]) for i, j in chosen]
    corrected = holm([pairing.p for pairing in pairings])
    return Comparison(
        questions=questions,
        n=len(answers[0]),
        runs=[ComparedRun.of(*each) for each in zip(letters, runs, answers, strict=True)],
        pairs=[
            ComparedPair(letters[i], letters[j], pairing, p)
            for (i, j), pairing, p in zip(chosen, pairings, corrected, strict=True)
        ],
        all_right=sum(map(all, zip(*right, strict=True))),
        none_right=sum(not any(each) for each in zip(*right, strict=True)),
    )


def _letter(i: int) -> str:
    """Return A to Z, then AA, AB and on."""
    return (_letter(i // 26 - 1) if i >= 26 else "") + chr(ord("A") + i % 26)
