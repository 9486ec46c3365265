"""A finetuned run with all that is needed to ask it questions and judge the answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nanoknow.config.experiment import DataConfig
from nanoknow.config.tasks import QuestionAnsweringConfig
from nanoknow.data.questions import QuestionSet
from nanoknow.data.sources import Texts
from nanoknow.errors import CheckpointError, DataError
from nanoknow.evaluation.answers import Answer, answer_questions
from nanoknow.facts.index import FactIndex
from nanoknow.models.base import CharacterModel
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.finding import describe_run, latest_run, open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import Device, choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.question_answering import QuestionAnswering

MAKER = "nanoknow finetune"


@dataclass(frozen=True)
class Examinee:
    """A finetuned model, what it is asked, and what it was trained on.

    Attributes:
        task: the questions, as it is asked them.
        training: the training questions, as far as they are still there and unchanged.
        facts: the training texts; None where the corpus is not at hand.
    """

    run: Run
    checkpoint: Checkpoint
    device: Device
    model: CharacterModel
    task: QuestionAnswering
    training: QuestionSet | None
    facts: FactIndex | None

    def ask(self, questions: QuestionSet) -> list[Answer]:
        """Answer other questions, which must fit the block; nothing is judged but right."""
        record = self.checkpoint.record
        limits = QuestionAnsweringConfig(max_answer_length=self.task.max_answer_length)
        task = QuestionAnswering(questions, record.tokenizer, limits, record.model.block_size)
        return answer_questions(self.model, task)


def open_examinee(
    run_path: Path | None, data: DataConfig, device: str, reporter: Reporter
) -> Examinee:
    """Find a finetuned run, the questions for it, and what it was trained on.

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
    chosen = choose_device(device)
    model = checkpoint.load_model(chosen)
    return Examinee(run, checkpoint, chosen, model, task, training, facts)


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
