"""What pretraining and finetuning share: starting a run, and resuming it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig, StageName
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.folders import new_folder, new_run_path, require_free
from nanoknow.runs.lock import RunLock
from nanoknow.runs.run import Run, RunRecord
from nanoknow.system.device import Device, choose_device
from nanoknow.system.reporter import Reporter
from nanoknow.system.seeds import new_generator
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.registry import TASKS, build_task, sources
from nanoknow.training.session import TrainingOptions, TrainingSession, TrainingSummary
from nanoknow.training.trainer import Trainer


def start_run(
    config: ExperimentConfig,
    stage: StageName,
    source: Checkpoint | None,
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Train a new run, on fresh weights or on those of a checkpoint.

    Raises:
        CheckpointError: the folder is in use, or cannot be written.
    """
    options.require_packages()
    if out is not None:
        require_free(out)
    device = choose_device(options.device, config.precision)
    texts = Texts.find(config.data, _roles(config, stage))
    config = config.model_copy(update={"data": texts.config})
    task_config = config.stage(stage).task
    if source is not None:
        tokenizer = source.record.tokenizer
        config = config.model_copy(update={"model": source.record.model})
        model = source.load_model(device)
    else:
        specials = TASKS[task_config.kind].specials
        tokenizer = Tokenizer.from_corpus(texts.require_corpus(), specials=specials)
        model = build_model(config.model, len(tokenizer), new_generator(config.seed, "weights"))
    trainer = _make_trainer(config, stage, texts, tokenizer, model, device, reporter)
    eval_task = _make_eval_task(config, stage, texts, tokenizer)
    record = RunRecord(
        stage=stage,
        task=task_config.kind,
        variant=config.model.variant,
        n_parameters=model.n_parameters,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
        started_from=str(source.path.absolute()) if source else None,
        data=texts.hashes(),
    )
    path = new_folder(out or new_run_path(stage, config.model.variant))
    with RunLock(path):
        run = Run.create(path, record, config)
        session = TrainingSession(
            run, trainer, config, texts, tokenizer, options, reporter, eval_task
        )
        session.save()  # a folder that cannot be written is found before the first step
        return session.train()


def _roles(config: ExperimentConfig, stage: StageName) -> tuple[str, ...]:
    """Return the texts that a stage reads."""
    if stage == "pretrain":
        return sources(config.pretrain.task)
    return ("corpus", "questions", "eval")


def _make_trainer(
    config: ExperimentConfig,
    stage: StageName,
    texts: Texts,
    tokenizer: Tokenizer,
    model: CharacterModel,
    device: Device,
    reporter: Reporter,
) -> Trainer:
    stage_config = config.stage(stage)
    task_config = config.stage(stage).task
    used = sources(task_config)
    questions = texts.questions if "questions" in used else None
    if questions is not None and not questions.answered:
        raise DataError(
            f"{questions.name}: has no answers to learn: name a file of question<TAB>answer lines "
            f"with --questions"
        )
    task = build_task(
        task_config,
        texts.corpus if "corpus" in used else None,
        questions,
        tokenizer,
        config.model.block_size,
    )
    reporter.note(
        f"{config.model.variant}, {config.model.positions} positions, {model.n_parameters:,} "
        f"parameters, on {device.name} ({device.reason})"
    )
    for role, text in texts.hashes().items():
        reporter.note(f"{role}: {text['name']}")
    for note in task.notes:
        reporter.note(note)
    return Trainer(model, task, stage_config, device, config.seed)


def _make_eval_task(
    config: ExperimentConfig, stage: StageName, texts: Texts, tokenizer: Tokenizer
) -> QuestionAnswering | None:
    """Prepare the evaluation questions, where the stage answers questions and they have answers."""
    task_config = config.stage(stage).task
    if task_config.kind != "question_answering":
        return None  # the file may not even be there
    questions = texts.eval
    if questions is None or not questions.answered:
        return None
    return QuestionAnswering(questions, tokenizer, task_config, config.model.block_size)
