"""``nanoknow evaluate``: ask a model questions, judge the answers, and compare with a constant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanoknow.checkpoint import Checkpoint
from nanoknow.config import DataConfig, QuestionAnsweringConfig
from nanoknow.data.corpus import QuestionSet
from nanoknow.data.facts import FactIndex, most_frequent_answer
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import describe
from nanoknow.device import choose_device
from nanoknow.errors import CheckpointError, DataError
from nanoknow.evaluator import (
    Answer,
    Score,
    answer_questions,
    count_right,
    count_verdicts,
    mcnemar,
    split_by_facts,
)
from nanoknow.files import write_atomically
from nanoknow.reporter import Reporter
from nanoknow.runs import Run, describe_run, latest_run, open_checkpoint
from nanoknow.tasks.question_answering import QuestionAnswering, is_right

MAKER = "nanoknow finetune"


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
        return mcnemar(ours, self._constant_right)

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
    """Answer questions with a finetuned run and write the answers into its folder.

    Args:
        run_path: a run or checkpoint folder; None for the latest whose vocabulary holds every
            character of the questions.
        data: the files named on the command line; what they leave open is the run's own.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is told which run is taken and what is missing.

    Raises:
        CheckpointError: there is no such run, or it does not answer questions.
        ConfigError: no questions are named, by the command or by the run.
        DataError: they cannot be read.
    """
    named = Texts.find(data)
    characters = named.eval.characters(answers=False) if named.eval else ""
    run, checkpoint, config = open_answering_run(run_path, characters, reporter)
    record = checkpoint.record
    files = {role: path for role, path in named.config if path is not None}
    texts = Texts(run.config.data.model_copy(update=files))
    questions = texts.require_eval()
    task = QuestionAnswering(questions, record.tokenizer, config, record.model.block_size)
    training, facts = training_data(texts, record.data, set(files), reporter)
    if facts is None:
        reporter.note("no training text at hand: answers are not sorted into known and made up")
    model = checkpoint.load_model(choose_device(device))
    answers = answer_questions(model, task, facts)
    evaluation = Evaluation(
        run=str(run.path),
        epoch=int(record.progress["epoch"]),
        variant=record.model.variant,
        questions=questions.name,
        answers=answers,
        baseline_answer=most_frequent_answer(training.items) if training else None,
        predictions=str(_write_predictions(checkpoint, run, questions, answers)),
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


def open_answering_run(
    run_path: Path | None, characters: str, reporter: Reporter
) -> tuple[Run, Checkpoint, QuestionAnsweringConfig]:
    """Open a run that answers questions, with what it was finetuned on.

    Args:
        run_path: a run or checkpoint folder; None for the latest that fits.
        characters: what the vocabulary of the latest must hold.
        reporter: is told which run is taken.

    Raises:
        CheckpointError: there is no such run, or it does not answer questions.
    """
    if run_path is None:
        run, checkpoint = latest_run(
            "question_answering", characters, MAKER, ": named, it would leave that out"
        )
        reporter.note(f"using {describe_run(run, checkpoint)}")
    else:
        run, checkpoint = open_checkpoint(run_path)
    task = checkpoint.record.task
    if not isinstance(task, QuestionAnsweringConfig):
        raise CheckpointError(
            f"{run.path}: is a {task.kind} run and answers no questions: name one that '{MAKER}' "
            f"made"
        )
    return run, checkpoint, task


def training_data(
    texts: Texts, recorded: dict[str, dict[str, str]], named: set[str], reporter: Reporter
) -> tuple[QuestionSet | None, FactIndex | None]:
    """Read what a run was trained on, as far as it is still there and unchanged.

    Args:
        texts: the run's own, or others in their place.
        recorded: name and SHA-256 of each text by its role, as the run has them.
        named: roles that were named for this command: theirs must be there, and may differ.
        reporter: is told what is not used.

    Raises:
        DataError: a named text cannot be read.
    """
    usable = {}
    for role in ("corpus", "questions"):
        try:
            text = getattr(texts, role)
        except DataError as error:
            if role in named:
                raise
            reporter.note(f"not used: {error}")
            continue
        changed = text and role in recorded and recorded[role]["sha256"] != text.sha256
        if changed and role not in named:
            reporter.note(f"not used: {text.name}: has changed since the run was trained on it")
            continue
        usable[role] = text
    corpus, training = usable.get("corpus"), usable.get("questions")
    if training is not None and not training.answered:
        training = None
    return training, FactIndex(corpus, training) if corpus else None


def _write_predictions(
    checkpoint: Checkpoint, run: Run, questions: QuestionSet, answers: list[Answer]
) -> Path:
    folder = run.path / "predictions"
    # Other questions of the same name, or another checkpoint, get files of their own.
    step = int(checkpoint.record.progress["step"])
    path = folder / f"{Path(questions.name).stem}-{questions.sha256[:8]}-step-{step}.txt"
    lines = "".join(" ".join(a.answer.splitlines()) + "\n" for a in answers)
    details = "".join(json.dumps(a.to_json(), ensure_ascii=False) + "\n" for a in answers)
    try:
        folder.mkdir(exist_ok=True)
        write_atomically(path, lines.encode())
        write_atomically(path.with_suffix(".jsonl"), details.encode())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}: make the run's folder writable") from None
    return path
