"""``nanoknow evaluate``: ask a model questions, judge the answers, and compare with a constant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.tokenizer import describe
from nanoknow.errors import CheckpointError
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import (
    Answer,
    count_right,
    count_verdicts,
    split_by_facts,
)
from nanoknow.evaluation.scores import Score, pair
from nanoknow.facts.index import most_frequent_answer
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.files import write_atomically
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import is_right


@dataclass(frozen=True)
class Evaluation:
    """What a model answered, and what that is worth.

    Attributes:
        run: the run's folder.
        epoch: how long it had been finetuned.
        questions: the name of the questions.
        answers: one for each question.
        baseline_answer: the most frequent training answer, where training questions are known.
        predictions: the file of answers, one a line; details stand beside it as ``.jsonl``.
    """

    run: str
    epoch: int
    variant: str
    questions: str
    answers: list[Answer]
    baseline_answer: str | None
    predictions: str

    @property
    def score(self) -> Score | None:
        """Exact match, where the questions have answers."""
        if self.answers[0].gold is None:
            return None
        return Score(count_right(self.answers), len(self.answers))

    @property
    def baseline(self) -> Score | None:
        """The same questions answered by the constant."""
        if self.score is None or self.baseline_answer is None:
            return None
        return Score(sum(self._constant_right), len(self.answers))

    @property
    def mcnemar_p(self) -> float | None:
        """Two-sided p of model against constant on the same questions."""
        if self.baseline is None:
            return None
        ours = [count_right([answer]) == 1 for answer in self.answers]
        return pair(ours, self._constant_right).p

    @property
    def verdicts(self) -> dict[str, int] | None:
        """How many answers fell under each verdict."""
        return count_verdicts(self.answers) if self._judged else None

    @property
    def splits(self) -> list[dict[str, Any]] | None:
        """Counts by whether the fact was in the text and the answer among training answers."""
        if not self._judged or self.answers[0].seen_in_training is None:
            return None
        return split_by_facts(self.answers)

    @property
    def left_out(self) -> dict[str, int]:
        """Characters that the vocabulary does not hold, with their counts."""
        text = "".join(a.left_out for a in self.answers)
        return {character: text.count(character) for character in dict.fromkeys(text)}

    @property
    def _constant_right(self) -> list[bool]:
        constant = self.baseline_answer or ""
        return [a.gold is not None and is_right(constant, a.gold) for a in self.answers]

    @property
    def _judged(self) -> bool:
        return self.answers[0].in_document is not None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; the answers stand in their file."""
        return {
            "run": self.run,
            "variant": self.variant,
            "epoch": self.epoch,
            "questions": self.questions,
            "score": self.score.to_json() if self.score else None,
            "baseline": (
                {"answer": self.baseline_answer, **self.baseline.to_json()}
                if self.baseline
                else None
            ),
            "mcnemar_p": self.mcnemar_p,
            "verdicts": self.verdicts,
            "splits": self.splits,
            "left_out": self.left_out,
            "predictions": self.predictions,
        }


def evaluate(
    run_path: Path | None, data: DataConfig, device: str, reporter: Reporter
) -> Evaluation:
    """Answer questions with a finetuned run, and write the answers into its folder.

    Args:
        run_path: a run or checkpoint folder; None for the latest whose vocabulary holds every
            character of the questions.
        data: files named in place of the run's own.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified which run is used and what is missing.

    Raises:
        CheckpointError: there is no such run, it does not answer questions, or its folder cannot
            be written.
        ConfigError: no questions are named, by the command or by the run.
        DataError: a text cannot be read, or a question is longer than the block.
    """
    opened = AnsweringRun.open(run_path, data, device, reporter)
    return evaluate_on(opened, opened.texts.require_eval(), reporter)


def evaluate_on(opened: AnsweringRun, questions: QuestionSet, reporter: Reporter) -> Evaluation:
    """Answer questions with an opened run (see ``evaluate``)."""
    checkpoint, training = opened.checkpoint, opened.training
    answers = opened.answer_questions(questions)
    evaluation = Evaluation(
        run=str(opened.run.path),
        epoch=int(checkpoint.record.progress["epoch"]),
        variant=checkpoint.record.model.variant,
        questions=questions.name,
        answers=answers,
        baseline_answer=most_frequent_answer(training.items) if training else None,
        predictions=str(_write_predictions(checkpoint, opened.run, questions, answers)),
    )
    if evaluation.left_out:
        reporter.note(
            f"left out {sum(evaluation.left_out.values())} characters of "
            f"{sum(bool(a.left_out) for a in answers)} questions that the run's vocabulary does "
            f"not hold: {describe(list(evaluation.left_out))}"
        )
    if not questions.answered:
        reporter.note(f"{questions.name} has no answers: predictions only, no score")
    return evaluation


def predictions_file(checkpoint: Checkpoint, run: Run, questions: QuestionSet) -> Path:
    """Return where the answers of a checkpoint to some questions are written.

    Other questions of the same name, or another checkpoint, get files of their own.
    """
    step = int(checkpoint.record.progress["step"])
    name = f"{Path(questions.name).stem}-{questions.sha256[:8]}-step-{step}.txt"
    return run.path / "predictions" / name


def _write_predictions(
    checkpoint: Checkpoint, run: Run, questions: QuestionSet, answers: list[Answer]
) -> Path:
    path = predictions_file(checkpoint, run, questions)
    lines = "".join(" ".join(a.answer.splitlines()) + "\n" for a in answers)
    details = "".join(json.dumps(a.to_json(), ensure_ascii=False) + "\n" for a in answers)
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lines.encode())
        write_atomically(path.with_suffix(".jsonl"), details.encode())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}: make the run's folder writable") from None
    return path
