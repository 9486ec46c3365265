"""A finetuned run that is asked questions, with the texts that it was trained on."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from nanoknow.config.experiment import DataConfig, union_members
from nanoknow.config.tasks import QuestionAnsweringConfig, TaskConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import CheckpointError, ConfigError, DataError
from nanoknow.evaluation.answers import Answer, answer_questions
from nanoknow.facts.index import FactIndex
from nanoknow.generation.opened_run import OpenedRun, require_answers
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.records import CheckpointRecord
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.base import Task
from nanoknow.tasks.document_modeling import DocumentModeling
from nanoknow.tasks.mixed import WithQuestions
from nanoknow.tasks.question_answering import QuestionAnswering, fitting
from nanoknow.tasks.registry import build_task
from nanoknow.tasks.span_corruption import SpanCorruption

MAKER = "nanoknow finetune"
WITH_MARKS = [kind for kind, cls in union_members().items() if getattr(cls, "has_marks", False)]
"""Kinds of task whose runs can be asked questions."""
DocumentTask = SpanCorruption | DocumentModeling


@dataclass(frozen=True)
class AnsweringRun(OpenedRun):
    """A finetuned run and its texts.

    Attributes:
        texts: the run's own, but for those that the command names.
        training: the training questions, where they are available and unchanged.
        facts: indexes the corpus and the training questions; None where there is no corpus.
    """

    texts: Texts
    training: QuestionSet | None
    facts: FactIndex | None

    @classmethod
    def open(
        cls,
        path: Path | None,
        data: DataConfig | None,
        device: str,
        reporter: Reporter,
        question: str = "",
    ) -> Self:
        """Open a finetuned run, and read what it was trained on.

        Args:
            path: a run or checkpoint folder; None for the latest finetuned run or, without one,
                the latest other run that can be asked (see ``latest_run``).
            data: files named in place of the run's own; None to read no training texts.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            reporter: is notified which run is used and what is missing.
            question: what the run will be asked, where ``data`` names no ``eval`` file: a run
                whose vocabulary holds it is preferred.

        Raises:
            CheckpointError: there is no such run, or it is a language model.
            ConfigError: the device does not exist.
            DataError: a file that was named cannot be read.
        """
        named = Texts.find(data or DataConfig())
        if path is None:
            characters = named.eval.characters(answers=False) if named.eval else question
            run, checkpoint = latest_run("question_answering", characters, MAKER, WITH_MARKS)
            reporter.note(f"using {describe_run(run, checkpoint)}")
        else:
            run, checkpoint = open_checkpoint(path)
        require_answers(run, checkpoint)
        if not isinstance(checkpoint.record.task, QuestionAnsweringConfig):
            what = f"{run.path} was not finetuned on questions, and answers as it is"
            reporter.note(f"{what}: '{MAKER} --from {run.path}' finetunes it")
        texts = Texts(named.config.over(run.config.data))
        training, facts = None, None
        if data is not None:
            record = checkpoint.record
            training, facts = _training_texts(texts, record, named.config, reporter)
            if facts is None:
                why = "no training text available: answers cannot be checked against it"
                reporter.note(f"{why}: name it with --corpus")
        chosen = choose_device(device)
        model = checkpoint.load_model(chosen)
        return cls(run, checkpoint, chosen, model, texts, training, facts)

    def answer_questions(self, task: QuestionAnswering) -> list[Answer]:
        """Answer questions greedily, and judge the answers by the training texts."""
        return answer_questions(self.model, task, self.facts)

    def fitting(self, questions: QuestionSet) -> QuestionSet:
        """Return the questions that fit into a block; ``skip_long`` leaves out the others.

        Raises:
            DataError: some are longer than the block, and may not be left out, or all are.
        """
        block_size, skip = self.model.config.block_size, self.texts.config.skip_long
        return fitting(questions, self.tokenizer, block_size, skip_long=skip)

    def task(self, questions: QuestionSet) -> QuestionAnswering:
        """Prepare questions as the model reads them.

        Raises:
            DataError: some are longer than the block, and may not be left out.
        """
        limits = QuestionAnsweringConfig(max_answer_length=self.max_answer_length)
        block_size = self.model.config.block_size
        return QuestionAnswering(self.fitting(questions), self.tokenizer, limits, block_size)

    @property
    def pretraining(self) -> TaskConfig:
        """The task that it was pretrained on.

        The checkpoint that finetuning started from names it, where that still exists; else the
        config.
        """
        if self.run.record.started_from is not None:
            with suppress(CheckpointError):
                return open_checkpoint(Path(self.run.record.started_from))[1].record.task
        return self.run.config.pretrain.task

    @cached_property
    def pretraining_documents(self) -> DocumentTask:
        """The pretraining task on documents alone, built when it is first needed.

        Raises:
            ConfigError: it was pretrained on something else or not at all, or a text is not named.
            DataError: the texts cannot be read.
        """
        if self.run.record.stage == "scratch":
            raise ConfigError(f"{self.run.path}: was not pretrained")
        corpus, block_size = self.texts.require_corpus(), self.model.config.block_size
        texts = (corpus, self.texts.questions, self.tokenizer, block_size, self.facts)
        task: Task = build_task(self.pretraining, *texts)
        task = task.documents if isinstance(task, WithQuestions) else task
        if isinstance(task, DocumentTask):
            return task
        raise ConfigError(f"{self.run.path}: was pretrained on no documents")


def _training_texts(
    texts: Texts, record: CheckpointRecord, named: DataConfig, reporter: Reporter
) -> tuple[QuestionSet | None, FactIndex | None]:
    """Read what a run was trained on, as far as it is available and unchanged.

    Args:
        texts: the run's own, but for those that the command names.
        record: of the checkpoint, with the SHA-256 of each text by its role.
        named: texts that the command names: these must be readable, but need not be the run's own.
        reporter: is notified of texts that are not used.

    Raises:
        DataError: a named text cannot be read.
    """
    usable = {}
    for role in ("corpus", "questions"):
        is_named = bool(getattr(named, role))
        # A run that was not trained on the questions read only their characters.
        was_read = role in record.data and role in ("corpus", *record.task.sources)
        try:
            text = getattr(texts, role) if is_named or was_read else None
            if text and not is_named and record.data[role]["sha256"] != text.sha256:
                raise DataError(f"{text.name}: has changed since the run was trained on it")
            usable[role] = text
        except DataError as error:
            if is_named:
                raise
            reporter.note(f"not used: {error}")
    corpus, training = usable.get("corpus"), usable.get("questions")
    training = training if training and training.answered else None
    return training, FactIndex(corpus, training) if corpus else None
