"""What a sweep found: row by row, run by run, and pair by pair."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any, Self

from nanoknow.data.questions import QuestionSet
from nanoknow.evaluation.compare import ComparedPair, compare_pairs
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.table import TableRow


@dataclass(frozen=True)
class Outcome:
    """What one run gave.

    Attributes:
        row: of the table of runs.
        right: (questions,) whether each evaluation question was answered right.
        recall: on the training questions: what finetuning retained of those that it saw.
        loss: of pretraining: mean of its last epoch's batches, in nats a character.
        predictions: files of answers to the questions of ``predict``.
        n_parameters: of the model.
        folds: rows of the runs that this is the sum of; none of a single run.
    """

    row: TableRow
    right: tuple[bool, ...]
    recall: Score
    loss: float
    predictions: tuple[str, ...]
    n_parameters: int
    folds: tuple[TableRow, ...] = ()

    @classmethod
    def sum_of(cls, runs: Sequence[Self], questions: str) -> Self:
        """Sum up a run for each fold, in their folder's parent; a single one is returned."""
        if len(runs) == 1:
            return runs[0]
        last = runs[-1]
        row = replace(
            last.row,
            questions=questions,
            score=_sum([run.row.score for run in runs]),
            seconds=round(sum(run.row.seconds or 0.0 for run in runs), 3),
            run=str(Path(last.row.run).parents[1]),
        )
        return replace(
            last,
            row=row,
            right=tuple(right for run in runs for right in run.right),
            recall=_sum([run.recall for run in runs]),
            loss=mean(run.loss for run in runs),
            predictions=tuple(path for run in runs for path in run.predictions),
            folds=tuple(run.row for run in runs),
        )


def _sum(scores: Sequence[Score]) -> Score:
    return Score(sum(score.n_right for score in scores), sum(score.n for score in scores))


@dataclass(frozen=True)
class Row:
    """What a row gave; the lists are by ascending seed, of its finished runs.

    Attributes:
        name: of the row.
        changes: the values that it sets.
        questions: the name of its evaluation questions.
        scores: on these.
        folds: of each seed, the score on each fold; empty without folds.
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
    def of(
        cls, name: str, changes: dict[str, Any], questions: str, outcomes: Sequence[Outcome]
    ) -> Self:
        """Sum up a row's runs."""
        return cls(
            name,
            changes,
            questions,
            seeds=[run.row.seed for run in outcomes],
            scores=[run.row.score for run in outcomes],
            folds=[[fold.score for fold in run.folds] for run in outcomes if run.folds],
            recall=[run.recall for run in outcomes],
            losses=[run.loss for run in outcomes],
            minutes=[round((run.row.seconds or 0.0) / 60, 2) for run in outcomes],
            predictions=[path for run in outcomes for path in run.predictions],
            n_parameters=max((run.n_parameters for run in outcomes), default=0),
        )


@dataclass(frozen=True)
class RowPair(ComparedPair):
    """Two rows on the same questions, by a run of each.

    Attributes:
        seed: of the runs, the first that both rows have finished.
    """

    seed: int


@dataclass(frozen=True)
class SweepReport:
    """What a sweep found.

    Attributes:
        folder: of its runs.
        questions: the names of the evaluation questions.
        device: that the last run of the table was trained on, and its precision.
        rows: in the order of the file.
        elsewhere: runs that another process is training.
        table: every finished run, row by row; after the folds of a seed, their sum.
        pairs: each row with each that has the same questions.
    """

    folder: str
    questions: str
    device: str
    rows: list[Row]
    elsewhere: int
    table: list[TableRow]
    pairs: list[RowPair]


def compare_rows(
    questions: Mapping[str, QuestionSet], outcomes: Mapping[str, Mapping[int, Outcome]]
) -> list[RowPair]:
    """Compare rows on the same questions by the exact test, p corrected for the number of pairs."""
    pairs, seeds = [], []
    for one, other in itertools.combinations(outcomes, 2):
        both = outcomes[one].keys() & outcomes[other].keys()
        if both and questions[one].sha256 == questions[other].sha256:
            seeds.append(seed := min(both))
            pairs.append(((one, outcomes[one][seed].right), (other, outcomes[other][seed].right)))
    compared = zip(compare_pairs(pairs), seeds, strict=True)
    return [RowPair(**vars(each), seed=seed) for each, seed in compared]
