"""``nanoknow evaluate``: ask a model questions, judge the answers, compare with a constant one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from nanoknow.config.experiment import DataConfig
from nanoknow.data.questions import QUESTIONS_BYTES, QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import naming
from nanoknow.evaluation.answering_run import AnsweringRun
from nanoknow.evaluation.answers import (
    Answer,
    Split,
    count_verdicts,
    read_answers,
    score_answers,
    split_by_facts,
)
from nanoknow.evaluation.baseline import UNNAMED, BaselineResult, constant_baseline
from nanoknow.evaluation.buckets import Overlap
from nanoknow.evaluation.scores import Score
from nanoknow.facts.index import FactIndex, most_frequent_answer
from nanoknow.system.files import LONGEST, read_regular, write_atomically
from nanoknow.system.plain import Result, plain, to_json
from nanoknow.system.reporter import Reporter


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """What a model answered, and what that is worth.

    Attributes:
        run: the run's folder, or the file of answers that were made elsewhere.
        variant: of its model; None for such a file.
        epoch: how many epochs it had been finetuned for; likewise.
        questions: the name of the questions.
        answers: one for each question, but for those that were skipped.
        skipped: how many questions are longer than the block: they do not count in the score.
        baseline: the most frequent training answer given to all, where training questions are
            available and the questions have answers.
        overlap: with the training questions, where these are available.
        unreachable: see ``QuestionAnswering``.
        documented: questions with a document about their subject; None without the corpus.
        left_out: characters that the vocabulary does not hold, with their counts.
        predictions: the file of answers, one a line; details are beside it as ``.jsonl``.
    """

    run: str
    questions: str
    answers: list[Answer]
    baseline: BaselineResult | None
    overlap: Overlap | None
    documented: int | None
    predictions: str
    variant: str | None = None
    epoch: int | None = None
    unreachable: int = 0
    skipped: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    JSON: ClassVar[tuple[str, ...]] = (
        "run", "variant", "epoch", "questions", "score", "warnings", "baseline", "mcnemar_p",
        "overlap", "unreachable", "skipped", "documented", "verdicts", "splits", "left_out",
        "predictions",
    )  # fmt: skip

    @property
    def score(self) -> Score | None:
        """Exact match, where the questions have answers."""
        return score_answers(self.answers) if self.answers[0].gold else None

    @property
    def warnings(self) -> list[str]:
        """Why the score may say little, each with what to do."""
        n, named = len(self.answers), self.documented
        inside = sum(a.in_document is not False for a in self.answers) if named else n
        counts = (
            (named, UNNAMED),
            (inside, "right answers are in the subject's document: see 'nanoknow data inspect'"),
            (n - self.unreachable, "right answers can be given: train on answers like them"),
        )
        return [f"0 of {n} {what}" for count, what in counts if count == 0]

    @property
    def mcnemar_p(self) -> float | None:
        """Two-sided p of the model against the baseline, by McNemar's exact test."""
        return self.baseline.beside(self.answers).pairing.p if self.baseline else None

    @property
    def verdicts(self) -> dict[str, int] | None:
        """How many answers got each verdict, where training texts are available."""
        return count_verdicts(self.answers) if self.answers[0].in_document is not None else None

    @property
    def splits(self) -> list[Split] | None:
        """Counts by ``split_by_facts``, where the training questions are available."""
        known = self.answers[0].seen_in_training is not None
        return split_by_facts(self.answers) if known else None


def evaluate_on(opened: AnsweringRun, questions: QuestionSet, reporter: Reporter) -> Evaluation:
    """Answer questions with an opened run, and write the answers into its folder.

    Args:
        opened: the run.
        questions: to ask it.
        reporter: is notified of what is left out.

    Raises:
        CheckpointError: its folder cannot be written.
        DataError: questions are longer than the block.
    """
    task = opened.task(questions)
    questions = task.questions
    for note in task.notes:
        reporter.note(f"{opened.run.path}: {note}")
    answers = opened.answer_questions(task)
    predictions = save_predictions(opened, questions, answers, reporter)
    record = opened.checkpoint.record
    evaluation = Evaluation(
        run=str(opened.run.path),
        variant=record.model.variant,
        epoch=int(record.progress["epoch"]),
        unreachable=task.unreachable,
        skipped=len(questions.skipped),
        left_out=dict(task.unknown),
        predictions=str(predictions),
        **_by_texts(questions, answers, opened.training, opened.facts),
    )
    for warning in evaluation.warnings:
        reporter.note(f"{opened.run.path}: {questions.name}: {warning}")
    if not questions.answered:
        reporter.note(f"{questions.name} has no answers: predictions only, no score")
    return evaluation


def save_predictions(
    opened: AnsweringRun, questions: QuestionSet, answers: Sequence[Answer], reporter: Reporter
) -> Path:
    """Write answers into the run's folder, and return their file.

    Its name holds the questions' hash and the step, so that other questions of the same name, or
    another checkpoint, get a file of their own. A question that was skipped has an empty line; each
    row of the details has the run's id. An older file is replaced, and noted if it differed; it is
    never read for its answers.

    Raises:
        CheckpointError: it cannot be written.
    """
    run, step = opened.run, int(opened.checkpoint.record.progress["step"])
    name = f"{Path(questions.name).stem[:LONGEST]}-{questions.sha256[:8]}-step-{step}.txt"
    path = run.path / "predictions" / name
    by_number = {question.number: "" for question in questions.skipped}
    for question, answer in zip(questions.items, answers, strict=True):
        by_number[question.number] = " ".join(answer.answer.splitlines())
    lines = "".join(by_number[number] + "\n" for number in sorted(by_number))
    rows = ({"run": run.record.id, **plain(a)} for a in answers)
    details = "".join(to_json(row, ensure_ascii=False) + "\n" for row in rows)
    with naming(path, "make the run's folder writable"):
        path.parent.mkdir(exist_ok=True)
        for file, text in ((path, lines), (path.with_suffix(".jsonl"), details)):
            if file.exists() and read_regular(file, QUESTIONS_BYTES) != text.encode():
                reporter.note(f"{file}: held something else: written again")
            write_atomically(file, text.encode())
    return path


def evaluate_predictions(path: Path, data: DataConfig) -> Evaluation:
    """Judge answers that were made elsewhere.

    Args:
        path: of the file, one answer a line.
        data: names the questions; corpus and training questions for verdicts and the baseline.

    Raises:
        ConfigError: no questions are named.
        DataError: a text cannot be read, or there are not as many answers as questions.
    """
    texts = Texts.find(data)
    questions = texts.require_eval().require_answers("judge predictions by")
    training = texts.questions if texts.questions and texts.questions.answered else None
    facts = FactIndex(texts.corpus, training) if texts.corpus else None
    answers = read_answers(path, questions, facts)
    found = _by_texts(questions, answers, training, facts)
    return Evaluation(run=str(path), predictions=str(path), **found)


def _by_texts(
    questions: QuestionSet,
    answers: list[Answer],
    training: QuestionSet | None,
    facts: FactIndex | None,
) -> dict[str, Any]:
    """Return what the texts say of answers, as fields of an ``Evaluation``."""
    constant = None
    if training is not None and questions.answered:
        constant = constant_baseline(questions, most_frequent_answer(training.items))
    return {
        "questions": questions.name,
        "answers": answers,
        "baseline": constant,
        "overlap": Overlap.of(answers, training) if training else None,
        "documented": facts and sum(bool(facts.indices_about(q.text)) for q in questions.items),
    }
