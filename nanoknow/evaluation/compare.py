"""``nanoknow compare``: several runs on the same questions, pair by pair."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import Answer, read_answers, score_answers
from nanoknow.evaluation.buckets import confidences, rights
from nanoknow.evaluation.calibration import auroc, median
from nanoknow.evaluation.evaluate import evaluate_on
from nanoknow.evaluation.scores import Pairing, Score, holm, pair
from nanoknow.system.plain import Result
from nanoknow.system.reporter import Reporter

NamedFlags = tuple[str, Sequence[bool]]


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        letter: names it in pairs.
        run: its folder, or a file of answers that were made elsewhere.
        score: exact match.
        score_in_document: of the questions whose answer is in the subject's own document;
            None where that is not known, or holds for none.
        confidence: the median; None for a file.
        auroc: probability that a right answer is surer than a wrong one; None without both, and
            for a file.
    """

    letter: str
    run: str
    score: Score
    score_in_document: Score | None
    confidence: float | None
    auroc: float | None

    @classmethod
    def of(cls, letter: str, run: str, answers: Sequence[Answer]) -> ComparedRun:
        """Sum up a run's answers, at least one."""
        own = [a for a in answers if not isnan(a.log_probability)]
        right, sure = rights(own), confidences(own)
        inside = [a for a in answers if a.in_document]
        return cls(
            letter=letter,
            run=run,
            score=score_answers(answers),
            score_in_document=score_answers(inside) if inside else None,
            confidence=median(sure),
            auroc=auroc(sure[right], sure[~right]),
        )


@dataclass(frozen=True)
class ComparedPair:
    """Two of the runs, side by side.

    Attributes:
        first, second: their names.
        corrected_p: p of the exact test, corrected for the number of pairs (Holm, 1979).
    """

    first: str
    second: str
    pairing: Pairing
    corrected_p: float


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Several runs on the same questions.

    Attributes:
        questions: their name.
        runs: in the order asked for.
        pairs: every two runs, in the order of ``runs``.
        all_right: questions that every run answers right.
        none_right: questions that none does.
    """

    questions: str
    n: int
    runs: list[ComparedRun]
    pairs: list[ComparedPair]
    all_right: int
    none_right: int


def compare(paths: Sequence[Path], data: DataConfig, device: str, reporter: Reporter) -> Comparison:
    """Compare runs by their answers to the same questions.

    Every run answers again: the answers that it saved before may have been edited.

    Args:
        paths: run or checkpoint folders, or files of answers made elsewhere, two or more.
        data: names the questions; else they are those that every one of the runs was made with.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of what is missing or left out.

    Raises:
        CheckpointError: one of them is no run that answers questions.
        ConfigError: fewer than two, the same one twice, or runs made with different questions
            where none are named.
        DataError: the questions cannot be read, or have no answers.
    """
    if len(paths) < 2:
        raise ConfigError("compare: name two runs or more")
    folders = [path for path in dict.fromkeys(paths) if not path.is_file()]
    opened = {path: AnsweringRun.open(path, data, device, reporter) for path in folders}
    where = {path: run.checkpoint.path for path, run in opened.items()}
    places = [where.get(path, path).resolve() for path in paths]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise ConfigError(f"{paths[i]}: is named twice: name different runs")
    asked = _questions(list(opened.values()), data).require_answers("compare by")
    questions = asked
    for run in opened.values():
        questions = run.fitting(questions)  # those that no run skips
    facts = next((run.facts for run in opened.values() if run.facts), None)

    def answers_of(path: Path) -> list[Answer]:
        if path in opened:  # which answers, and saves, also what only other runs skip
            items = opened[path].fitting(asked).items
            answers = evaluate_on(opened[path], asked, reporter).answers
        else:
            items, answers = asked.items, read_answers(path, asked, facts)
        kept = {question.number for question in questions.items}
        return [a for q, a in zip(items, answers, strict=True) if q.number in kept]

    return compare_answers(questions.name, {str(path): answers_of(path) for path in paths})


def _questions(opened: Sequence[AnsweringRun], data: DataConfig) -> QuestionSet:
    """Return the questions named, or those that all of the runs were made with.

    Raises:
        ConfigError: the runs were made with different ones, or there are no runs, only files.
    """
    if data.eval is not None:
        return Texts.find(data, ("eval",)).require_eval()
    if not opened:
        raise ConfigError("compare: files of answers alone: name their questions with --eval FILE")
    first, *others = opened
    asked = first.checkpoint.record.data.get("eval")
    for other in others:
        theirs = other.checkpoint.record.data.get("eval")
        if (asked or {}).get("sha256") != (theirs or {}).get("sha256"):
            one, another = (each["name"] if each else "no questions" for each in (asked, theirs))
            what = f"{first.run.path} was made with {one}, and {other.run.path} with {another}"
            raise ConfigError(f"{what}: name the questions for all of them with --eval FILE")
    return Texts(first.run.config.data).require_eval()


def compare_answers(questions: str, answers: Mapping[str, Sequence[Answer]]) -> Comparison:
    """Compare the answers of two runs or more, by name, to the same questions."""
    runs = [ComparedRun.of(_letter(i), *each) for i, each in enumerate(answers.items())]
    right = [[a.is_right for a in each] for each in answers.values()]
    by_letter = zip([run.letter for run in runs], right, strict=True)
    return Comparison(
        questions=questions,
        n=len(right[0]),
        runs=runs,
        pairs=compare_pairs(list(itertools.combinations(by_letter, 2))),
        all_right=sum(map(all, zip(*right, strict=True))),
        none_right=sum(not any(each) for each in zip(*right, strict=True)),
    )


def compare_pairs(pairs: Sequence[tuple[NamedFlags, NamedFlags]]) -> list[ComparedPair]:
    """Compare pairs by the exact test, p corrected for their number.

    Args:
        pairs: for each of the two its name, and whether it answers each question right.
    """
    pairings = [pair(first, second) for (_, first), (_, second) in pairs]
    corrected = holm([pairing.p for pairing in pairings])
    return [
        ComparedPair(first, second, pairing, p)
        for ((first, _), (second, _)), pairing, p in zip(pairs, pairings, corrected, strict=True)
    ]


def _letter(i: int) -> str:
    """Return A to Z, then AA, AB and on."""
    return (_letter(i // 26 - 1) if i >= 26 else "") + chr(ord("A") + i % 26)
