"""What pretraining and finetuning share: the run, its loop, its records."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from nanoknow import __version__
from nanoknow.checkpoint import Checkpoint, CheckpointRecord, save_checkpoint
from nanoknow.config import ExperimentConfig, FinetuneConfig, StageConfig
from nanoknow.data.sources import Texts
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.device import Device, choose_device, new_generator
from nanoknow.errors import ConfigError, DataError, Interrupted
from nanoknow.evaluator import Score, answer_questions, count_right
from nanoknow.event_log import Log, open_event_log, require_tensorboard
from nanoknow.lock import RunLock
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from nanoknow.reporter import Reporter
from nanoknow.runs import (
    Run,
    RunRecord,
    Stage,
    environment,
    new_folder,
    new_run_path,
    require_free,
)
from nanoknow.signals import StopSignals
from nanoknow.tasks.question_answering import QuestionAnswering
from nanoknow.tasks.registry import TASKS, build_task, sources
from nanoknow.trainer import StepResult, Trainer


@dataclass(frozen=True)
class TrainingOptions:
    """How to run, as against what to compute.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        max_minutes: stop, with a checkpoint, after so many minutes of this sitting.
        tensorboard: write the metrics as event files too.
    """

    device: str = "auto"
    max_minutes: float | None = None
    tensorboard: bool = False

    def require_packages(self) -> None:
        """See that what the options need is installed.

        Raises:
            ConfigError: it is not.
        """
        if self.tensorboard:
            require_tensorboard()


@dataclass(frozen=True)
class TrainingSummary:
    """How a training run ended.

    Attributes:
        run: its folder.
        epochs: complete ones; fewer than planned when it was stopped early.
        loss: mean of the last complete epoch, in nats a character; None before the first.
        accuracy: on the evaluation questions, the last time it was measured.
        seconds: of training in all sittings.
    """

    run: str
    stage: str
    variant: str
    n_parameters: int
    epochs: int
    planned_epochs: int
    step: int
    loss: float | None
    accuracy: dict[str, Any] | None
    seconds: float
    device: str
    precision: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def start_run(
    config: ExperimentConfig,
    stage: Stage,
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
    task_config = getattr(config, stage).task
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
        sitting = _Sitting(run, trainer, config, texts, tokenizer, options, reporter, eval_task)
        sitting.save()  # a folder that cannot be written is found before the first step
        return sitting.train()


def resume_run(run: Run, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
    """Continue a run from its last checkpoint, by its own config.

    Raises:
        CheckpointError: another process trains it, or its checkpoint is damaged.
        ConfigError: its config has been changed since.
        DataError: its texts have.
    """
    options.require_packages()
    with RunLock(run.path):
        return _resume_locked(run, options, reporter)


def _resume_locked(run: Run, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
    config, checkpoint = run.config, run.latest()
    _require_same(run, config, checkpoint)
    device = choose_device(options.device, checkpoint.record.precision)
    texts = Texts.find(config.data, _roles(config, run.record.stage))
    for role, text in texts.hashes().items():
        now, then = text["sha256"], checkpoint.record.data.get(role, text)["sha256"]
        if now != then:
            raise DataError(
                f"{text['name']}: SHA-256 {now[:12]}… here, and {then[:12]}… when {run.path} was "
                f"trained: put the old {role} back, or start a new run"
            )
    tokenizer = checkpoint.record.tokenizer
    model = checkpoint.load_model(device)
    trainer = _make_trainer(config, run.record.stage, texts, tokenizer, model, device, reporter)
    trainer.load_state(checkpoint.load_training_state(), dict(checkpoint.record.progress))
    run.forget_after(trainer.progress.step)
    reporter.note(f"resuming {run.path} at step {trainer.progress.step} of {trainer.total_steps}")
    changes = _changes_since(run, checkpoint.record, device)
    if changes:
        reporter.note(
            f"warning: {', '.join(changes)}: the weights will not be bit-identical to those of a "
            f"run never interrupted"
        )
    return _Sitting(
        run,
        trainer,
        config,
        texts,
        tokenizer,
        options,
        reporter,
        _make_eval_task(config, run.record.stage, texts, tokenizer),
        checkpoint.record.seconds,
        trainer.progress.step,
    ).train()


def _require_same(run: Run, config: ExperimentConfig, checkpoint: Checkpoint) -> None:
    """Refuse a run's config where it says otherwise than the weights.

    Raises:
        ConfigError: names the first such value on both sides.
    """
    record = checkpoint.record
    stage = run.record.stage
    pairs: tuple[tuple[str, BaseModel, BaseModel], ...] = (
        ("model", config.model, record.model),
        (f"{stage}.task", getattr(config, stage).task, record.task),
    )
    sides: dict[str, tuple[Any, Any]] = {"seed": (config.seed, record.seed)}
    for section, ours, theirs in pairs:
        one, other = ours.model_dump(), theirs.model_dump()
        for key in {**one, **other}:
            sides[f"{section}.{key}"] = (one.get(key), other.get(key))
    for key, (now, then) in sides.items():
        if now != then:
            raise ConfigError(
                f"{run.path / 'config.yaml'}: {key}: {now} here, and {then} in "
                f"{checkpoint.path.name}, which was trained with it: put it back, or start a new "
                f"run"
            )


def _changes_since(run: Run, record: CheckpointRecord, device: Device) -> list[str]:
    """Name what computes otherwise than when a checkpoint was written, and may round otherwise."""
    here = environment(device)
    there = {"python": here["python"], "numpy": here["numpy"]}
    for start in (m for m in run.metrics() if m["kind"] == "start"):  # the last one counts
        there |= {key: str(start.get(key, there[key])) for key in there}
    there |= {"nanoknow": record.version, "torch": record.torch}
    there |= {"device": record.device, "precision": record.precision}
    return [
        f"{key} {there[key]} then and {here[key]} now"
        for key in ("nanoknow", "torch", "python", "numpy", "device", "precision")
        if there[key] != here[key]
    ]


def _roles(config: ExperimentConfig, stage: Stage) -> tuple[str, ...]:
    """Return the texts that a stage reads."""
    if stage == "pretrain":
        return sources(config.pretrain.task)
    return ("corpus", "questions", "eval")


def _make_trainer(
    config: ExperimentConfig,
    stage: Stage,
    texts: Texts,
    tokenizer: Tokenizer,
    model: CharacterModel,
    device: Device,
    reporter: Reporter,
) -> Trainer:
    stage_config: StageConfig = getattr(config, stage)
    task_config = getattr(config, stage).task
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
    config: ExperimentConfig, stage: Stage, texts: Texts, tokenizer: Tokenizer
) -> QuestionAnswering | None:
    """Prepare the evaluation questions, where the stage answers questions and they have answers."""
    task_config = getattr(config, stage).task
    if task_config.kind != "question_answering":
        return None  # the file may not even be there
    questions = texts.eval
    if questions is None or not questions.answered:
        return None
    return QuestionAnswering(questions, tokenizer, task_config, config.model.block_size)


@dataclass
class _Sitting:
    """One process's share of a run's training."""

    run: Run
    trainer: Trainer
    config: ExperimentConfig
    texts: Texts
    tokenizer: Tokenizer
    options: TrainingOptions
    reporter: Reporter
    eval_task: QuestionAnswering | None
    seconds_before: float = 0.0
    saved_step: int | None = None

    def __post_init__(self) -> None:
        self.stage: StageConfig = getattr(self.config, self.run.record.stage)
        self.log: Log | None = None
        self.began = self.saved_at = time.monotonic()
        self.n_examples = 0
        self.loss = ""

    @property
    def seconds(self) -> float:
        """Training time in all sittings."""
        return self.seconds_before + self.sitting_seconds

    @property
    def sitting_seconds(self) -> float:
        """Training time in this sitting."""
        return time.monotonic() - self.began

    def save(self) -> None:
        """Write a checkpoint of where training stands, unless the last one is just that."""
        if self.trainer.progress.step == self.saved_step:
            return
        tensors, progress = self.trainer.state()
        record = CheckpointRecord(
            version=__version__,
            torch=torch.__version__,
            model=self.config.model,
            vocabulary=self.tokenizer.characters,
            task=getattr(self.config, self.run.record.stage).task,
            seed=self.config.seed,
            precision=self.trainer.device.precision,
            device=self.trainer.device.name,
            progress=progress,
            seconds=self.seconds,
            data=self.texts.hashes(),
        )
        save_checkpoint(self.run.checkpoints, record, self.trainer.model.state_dict(), tensors)
        self.saved_at, self.saved_step = time.monotonic(), self.trainer.progress.step

    def train(self) -> TrainingSummary:
        """Train until the epochs, the minutes or the user's patience are at an end.

        Raises:
            Interrupted: a signal came; everything is saved.
        """
        progress = self.trainer.progress
        record = self.run.record
        self.run.record_metrics("start", step=progress.step, **environment(self.trainer.device))
        title = f"{record.stage} {record.variant}"
        minutes = self.options.max_minutes
        limit = math.inf if minutes is None else minutes * 60
        with (
            StopSignals() as signals,
            open_event_log(self.run) if self.options.tensorboard else nullcontext() as self.log,
            self.reporter.progress(title, self.trainer.total_steps, progress.step) as show,
        ):
            for result in self.trainer.steps():
                self._record(result)
                show(result.step, self._words(result))
                if signals.received is not None:
                    self.save()
                    raise Interrupted(
                        f"stopped at step {result.step} and saved: continue with "
                        f"--resume --out {self.run.path}",
                        signals.received,
                    )
                if self.sitting_seconds >= limit:
                    break
                if time.monotonic() - self.saved_at > self.stage.checkpoint_minutes * 60:
                    self.save()
            self.save()
        return summarize(self.run)

    def _words(self, result: StepResult) -> str:
        self.n_examples += result.n_examples
        self.loss = f"loss {result.reading.loss:.3f} " if result.reading else self.loss
        speed = self.n_examples / max(self.sitting_seconds, 1e-9)
        return (
            f"epoch {result.epoch}/{self.stage.epochs} {self.loss}"
            f"lr {result.learning_rate:.1e} {speed:.0f} ex/s"
        )

    def _record(self, result: StepResult) -> None:
        place = {"step": result.step, "epoch": result.epoch, "seconds": round(self.seconds, 3)}
        reading = result.reading
        if reading is not None and (result.step % self.stage.log_every == 0 or result.step == 1):
            self._note("step", **place, **asdict(reading), learning_rate=result.learning_rate)
        if reading is None or result.epoch_loss is None:
            return
        self._note(
            "epoch",
            **place,
            loss=result.epoch_loss,
            last_loss=reading.loss,
            learning_rate=result.learning_rate,
        )
        every = self.stage.evaluate_every if isinstance(self.stage, FinetuneConfig) else None
        due = every is not None and (result.epoch % every == 0 or result.epoch == self.stage.epochs)
        if due and self.eval_task is not None:
            answers = answer_questions(self.trainer.model, self.eval_task)
            score = Score(count_right(answers), len(answers))
            self._note("accuracy", **place, **score.to_json())

    def _note(self, kind: str, **values: object) -> None:
        self.run.record_metrics(kind, **values)
        if self.log is not None:
            self.log(kind, values)


def summarize(run: Run) -> TrainingSummary:
    """Tell how a run stands, from its records."""
    record, checkpoint = run.record, run.latest().record
    stage: StageConfig = getattr(run.config, record.stage)
    metrics = list(run.metrics())
    epochs = [m for m in metrics if m["kind"] == "epoch"]
    accuracies = [m for m in metrics if m["kind"] == "accuracy"]
    return TrainingSummary(
        run=str(run.path),
        stage=record.stage,
        variant=record.variant,
        n_parameters=record.n_parameters,
        epochs=int(checkpoint.progress["epoch"]),
        planned_epochs=stage.epochs,
        step=int(checkpoint.progress["step"]),
        loss=epochs[-1]["loss"] if epochs else None,
        accuracy=accuracies[-1] if accuracies else None,
        seconds=round(checkpoint.seconds, 3),
        device=checkpoint.device,
        precision=checkpoint.precision,
    )
