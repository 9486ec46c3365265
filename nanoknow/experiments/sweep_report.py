"""The results of a sweep: by row, by run, and by pair of rows."""

import itertools
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any, Self

from nanoknow.data.questions import Question, QuestionSet
from nanoknow.evaluation.compare import ComparedPair, compare_pairs
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.table import TableRow
from nanoknow.system.plain import Result


@dataclass(frozen=True)
class Outcome:
    """The results of one run.

    Attributes:
        row: its row in the table of runs.
        right: whether each evaluation question was answered right, without those that were left
            out because they are longer than the model's block.
        recall: exact match on the training questions, which the run saw in finetuning.
        loss: pretraining loss: mean over the batches of the last epoch, in nats per character; NaN
            where its metrics have been lost.
        predictions: files of answers to the questions of ``predict``.
        n_parameters: size of the model.
    """

    row: TableRow
    right: dict[Question, bool]
    recall: Score
    loss: float
    predictions: tuple[str, ...]
    n_parameters: int


Outcomes = Mapping[int, Sequence[Outcome]]
"""The outcomes of a row's finished runs by ascending seed; each seed has one for each fold."""


def _sum(scores: Sequence[Score]) -> Score:
    return Score(sum(score.n_right for score in scores), sum(score.n for score in scores))


@dataclass(frozen=True, repr=False)
class Row(Result):
    """The results of a row; its lists have an entry for each finished seed, ascending.

    Attributes:
        name: the row's name.
        changes: the config values that it sets.
        questions: the name of its evaluation questions.
        scores: exact match on these questions, all folds together.
        folds: for each seed, the score on each fold; empty without folds.
        recall, losses, minutes, predictions: see ``Outcome``.
    """

    name: str
    changes: dict[str, Any]
    questions: str
    seeds: list[int]
    scores: list[Score]
    folds: list[list[Score]]
    recall: list[Score]
    losses: list[float]
    minutes: list[float]
    predictions: list[str]
    n_parameters: int

    @classmethod
    def of(cls, name: str, changes: dict[str, Any], questions: str, outcomes: Outcomes) -> Self:
        """Sum up a row's runs."""
        by_seed = outcomes.values()
        scores = [[run.row.score for run in folds] for folds in by_seed]
        seconds = [sum(run.row.seconds or 0.0 for run in folds) for folds in by_seed]
        return cls(
            name,
            changes,
            questions,
            seeds=list(outcomes),
            scores=[_sum(of_folds) for of_folds in scores],
            folds=[of_folds for of_folds in scores if len(of_folds) > 1],
            recall=[_sum([run.recall for run in folds]) for folds in by_seed],
            losses=[mean(run.loss for run in folds) for folds in by_seed],
            minutes=[round(each / 60, 2) for each in seconds],
            predictions=[path for folds in by_seed for run in folds for path in run.predictions],
            n_parameters=max((run.n_parameters for folds in by_seed for run in folds), default=0),
        )


def rows_of_table(questions: str, folds: Sequence[Outcome]) -> list[TableRow]:
    """Return the table rows of a seed's runs; with folds, a last row has their sum."""
    rows = [run.row for run in folds]
    if len(rows) == 1:
        return rows
    score, seconds = _sum([row.score for row in rows]), sum(row.seconds or 0.0 for row in rows)
    whole = replace(rows[-1], questions=questions, score=score, seconds=round(seconds, 3))
    return [*rows, replace(whole, run=str(Path(whole.run).parents[1]))]


@dataclass(frozen=True)
class RowPair(ComparedPair):
    """Two rows compared on the same questions, by their runs of one seed.

    Attributes:
        seed: the first that both rows have finished.
    """

    seed: int


@dataclass(frozen=True, repr=False)
class SweepReport(Result):
    """The results of a sweep.

    Attributes:
        folder: holds the runs.
        questions: the names of the evaluation questions.
        device: device and precision that the last run of the table was trained with.
        rows: in the order of the file.
        elsewhere: number of runs that other processes are training.
        table: every finished run, row by row; after the folds of a seed, their sum.
        pairs: each pair of rows that have the same questions.
    """

    folder: str
    questions: str
    device: str
    rows: list[Row]
    elsewhere: int
    table: list[TableRow]
    pairs: list[RowPair]


def compare_rows(
    questions: Mapping[str, QuestionSet], outcomes: Mapping[str, Outcomes]
) -> list[RowPair]:
    """Compare rows by the exact McNemar test on what both answered; p is corrected by Holm."""
    pairs, seeds = [], []
    for one, other in itertools.combinations(outcomes, 2):
        both = outcomes[one].keys() & outcomes[other].keys()
        if both and questions[one].sha256 == questions[other].sha256:
            seeds.append(seed := min(both))
            first, second = (
                ChainMap(*(run.right for run in outcomes[row][seed])) for row in (one, other)
            )
            asked = first.keys() & second.keys()
            pairs.append(((one, [first[q] for q in asked]), (other, [second[q] for q in asked])))
    compared = zip(compare_pairs(pairs), seeds, strict=True)
    return [RowPair(**vars(each), seed=seed) for each, seed in compared]
