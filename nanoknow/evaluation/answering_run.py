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
"""Tasks whose runs can be asked."""
DocumentTask = SpanCorruption | DocumentModeling


@dataclass(frozen=True)
class AnsweringRun(OpenedRun):
    """A finetuned run and its texts.

    Attributes:
        texts: the run's own, with what the command names in their place.
        training: the training questions, where they are available and unchanged.
        facts: the corpus and the training questions; None where the corpus is not available.
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
            path: a run or checkpoint folder; None for the latest finetuned run, or else pretrained
                run, by ``latest_run``.
            data: files named in place of the run's own; None to read no training texts.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            reporter: is notified which run is used and what is missing.
            question: what the run will be asked, where that is not the ``eval`` file of ``data``.

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
        """Return questions without those that are too long, where these may be left out.

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
        """The task that it was pretrained by.

        By the checkpoint that finetuning started from, where that still exists; else by the config.
        """
        if self.run.record.started_from is not None:
            with suppress(CheckpointError):
                return open_checkpoint(Path(self.run.record.started_from))[1].record.task
        return self.run.config.pretrain.task

    @cached_property
    def pretraining_documents(self) -> DocumentTask:
        """The task by which it was pretrained, of documents alone, made when it is first needed.

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
        texts: the run's own, or others in their place.
        record: of the checkpoint, with the SHA-256 of each text by its role.
        named: texts that the command names: these must be readable, and may differ.
        reporter: is notified what is not used.

    Raises:
        DataError: a named text cannot be read.
    """
    usable = {}
    for role in ("corpus", "questions"):
        is_named = bool(getattr(named, role))
        # Of questions that it was not trained on it read the characters alone.
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
