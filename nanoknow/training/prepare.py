"""What a run trains with, the same whether it starts or is resumed."""

from collections.abc import Container
from dataclasses import dataclass

from nanoknow.config.experiment import ExperimentConfig, PretrainConfig, StageName
from nanoknow.config.tasks import QuestionAnsweringConfig, SpanCorruptionConfig, TaskConfig
from nanoknow.data.sources import ROLES, Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.facts.fit import judge_fit
from nanoknow.facts.index import FactIndex
from nanoknow.models.base import CharacterModel
from nanoknow.system.device import Device
from nanoknow.system.reporter import Reporter
from nanoknow.tasks.language_modeling import LanguageModeling, hold_out
from nanoknow.tasks.question_answering import QuestionAnswering, fitting
from nanoknow.tasks.registry import build_task
from nanoknow.tasks.span_corruption import reach_of
from nanoknow.training.trainer import Trainer


@dataclass(frozen=True)
class Prepared:
    """What a run trains with.

    Attributes:
        eval_task: questions to measure the accuracy on between epochs, where there are any.
        held_out: windows of the text that a language model does not train on, where it has any.
    """

    config: ExperimentConfig
    texts: Texts
    tokenizer: Tokenizer
    trainer: Trainer
    eval_task: QuestionAnswering | None
    held_out: LanguageModeling | None


def roles_of(
    config: ExperimentConfig, stage: StageName, recorded: Container[str] = ROLES
) -> tuple[str, ...]:
    """Return the roles of the texts that a stage reads.

    Pretraining reads the training questions for their characters, where there are any.

    Args:
        config: names the texts.
        stage: the one that is trained.
        recorded: the roles that a run to continue has recorded: before 0.4.0 the vocabulary came
            from the corpus alone.
    """
    task, data = config.pretrain.task, config.data
    if stage != "pretrain":
        return ROLES
    has_questions = bool(data.questions or data.world) and "questions" in recorded
    return ("corpus", "questions") if task.has_marks and has_questions else task.sources


def prepare(
    config: ExperimentConfig,
    stage: StageName,
    texts: Texts,
    tokenizer: Tokenizer,
    model: CharacterModel,
    device: Device,
    reporter: Reporter,
) -> Prepared:
    """Make the task and the trainer of a stage, and note what they are.

    Raises:
        ConfigError: a text that the task trains on is not named.
        DataError: the training questions have no answers, or a text does not suit the task.
    """
    stage_config, block_size = config.stage(stage), config.model.block_size
    sources = stage_config.task.sources
    questions = texts.questions if "questions" in sources else None
    if questions is not None:
        questions.require_answers("learn", "--questions")
        if getattr(stage_config.task, "questions_per_document", True):  # else only words are used
            questions = fitting(questions, tokenizer, block_size, skip_long=config.data.skip_long)
    corpus = texts.corpus if "corpus" in sources else None
    held_out = None
    if corpus and isinstance(stage_config, PretrainConfig) and stage_config.held_out:
        corpus, held_out = hold_out(corpus, stage_config.held_out, tokenizer, block_size)
    facts = FactIndex(corpus, questions) if corpus else None
    task = build_task(stage_config.task, corpus, questions, tokenizer, block_size, facts)
    reporter.note(
        f"{config.model.variant}, {config.model.positions} positions, {model.n_parameters:,} "
        f"parameters, on {device.name} ({device.reason})"
    )
    for role, text in texts.hashes().items():
        reporter.note(f"{role}: {text['name']}")
    trainer = Trainer(model, task, stage_config, device, config.seed)
    fit = _fit(stage_config.task, block_size, facts) if facts else []
    notes = [*task.notes, *fit, *trainer.notes]
    eval_task = None
    # Only where the stage answers questions: else the file may not even be there.
    if isinstance(stage_config.task, QuestionAnsweringConfig):
        asked = texts.eval
        if asked is not None and asked.answered:
            asked = fitting(asked, tokenizer, block_size, skip_long=config.data.skip_long)
            eval_task = QuestionAnswering(asked, tokenizer, stage_config.task, block_size)
            shared = sum(q.text in questions.texts for q in asked.items) if questions else 0
            notes += eval_task.notes
            if shared:
                of = f"{shared} of {len(asked.items)}"
                notes.append(f"{asked.name}: {of} questions are training questions")
    for note in notes:
        reporter.note(note)
    return Prepared(config, texts, tokenizer, trainer, eval_task, held_out)


def _fit(task: TaskConfig, block_size: int, facts: FactIndex) -> list[str]:
    """Say how texts suit a task that hides salient spans; without questions, only what is bad."""
    if not (isinstance(task, SpanCorruptionConfig) and task.salient_spans):
        return []
    fit = judge_fit(facts, block_size, reach_of(task, block_size))
    lines = [line for role in fit.values() for line in role]
    return [str(line) for line in lines if facts.training or line.is_bad]
