"""A training session of a run, until it ends or stops: its steps, its records, its checkpoints."""

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from nanoknow import __version__
from nanoknow.config.experiment import FinetuneConfig
from nanoknow.errors import Interrupted
from nanoknow.evaluation.answers import answer_questions, score_answers
from nanoknow.evaluation.buckets import Overlap
from nanoknow.runs.checkpoint import save_checkpoint
from nanoknow.runs.records import CheckpointRecord
from nanoknow.runs.run import Run
from nanoknow.system.plain import Result, plain
from nanoknow.system.provenance import environment
from nanoknow.system.reporter import Reporter
from nanoknow.system.signals import stop_signals
from nanoknow.training.loggers import Log, open_event_log, require_tensorboard
from nanoknow.training.prepare import Prepared
from nanoknow.training.progress import StepResult
from nanoknow.training.ranks import LostRankError


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, apart from what is computed.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        max_minutes: stop, with a checkpoint, after so many minutes of this session.
        tensorboard: write the metrics as event files too.
        precision: what ``auto`` is for the runs of a demo or a sweep; see ``several_runs``.
    """

    device: str = "auto"
    max_minutes: float | None = None
    tensorboard: bool = False
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Check that what the options need is installed.

        Raises:
            ConfigError: it is not.
        """
        if self.tensorboard:
            require_tensorboard()


@dataclass(frozen=True, repr=False)
class TrainingSummary(Result):
    """How a training run ended.

    Attributes:
        run: its folder.
        epochs: complete ones; fewer than planned when it was stopped early.
        loss: mean of the losses of the last complete epoch's batches, each the mean of its
            scored characters, in nats a character; None before the first.
        held_out_loss: after the last complete epoch, on the text that was held out, if any was.
        accuracy: on the evaluation questions, the last time it was measured.
        seconds: of training in all sessions.
        resume: the command that continues it.
    """

    run: str
    stage: str
    variant: str
    n_parameters: int
    epochs: int
    planned_epochs: int
    step: int
    loss: float | None
    held_out_loss: float | None
    accuracy: dict[str, Any] | None
    seconds: float
    device: str
    precision: str
    resume: str


@dataclass
class TrainingSession:
    """A training session of a run: the first, or one that resumes it."""

    run: Run
    prepared: Prepared
    options: TrainingOptions
    reporter: Reporter
    seconds_before: float = 0.0
    saved_step: int | None = None

    def __post_init__(self) -> None:
        self.trainer = self.prepared.trainer
        self.stage = self.trainer.config
        self.log: Log | None = None
        self.began = self.saved_at = time.monotonic()
        self.n_examples = 0

    @property
    def seconds(self) -> float:
        """Training time in all sessions."""
        return self.seconds_before + self.session_seconds

    @property
    def session_seconds(self) -> float:
        """Training time in this session."""
        return time.monotonic() - self.began

    def save(self) -> None:
        """Write a checkpoint of the current step, unless it is saved already.

        Raises:
            NonFiniteError: weights or logits are not finite; the checkpoint before stays as it is.
        """
        if self.trainer.progress.step == self.saved_step:
            return
        self.trainer.model.require_sound()
        tensors, progress = self.trainer.state()
        record = CheckpointRecord(
            version=__version__,
            torch=torch.__version__,
            model=self.prepared.config.model,
            vocabulary=self.prepared.tokenizer.characters,
            task=self.stage.task,
            seed=self.trainer.seed,
            precision=self.trainer.device.precision,
            device=self.trainer.device.name,
            progress=progress,
            seconds=self.seconds,
            data=self.prepared.texts.hashes(),
            config=self.prepared.config,
            run=self.run.record.id,
        )
        save_checkpoint(self.run.checkpoints, record, self.trainer.model.state_dict(), tensors)
        self.saved_at, self.saved_step = time.monotonic(), self.trainer.progress.step

    def train(self) -> TrainingSummary:
        """Train until the epochs or the minutes run out.

        Raises:
            Interrupted: a signal came; everything is saved.
            NonFiniteError: a loss, a gradient norm, weights or logits are not finite.
        """
        progress, ranks = self.trainer.progress, self.trainer.ranks
        title = f"{self.run.record.stage} {self.run.record.variant}"
        minutes = self.options.max_minutes
        limit = math.inf if minutes is None else minutes * 60
        with (
            stop_signals() as received,
            open_event_log(self.run) if self.options.tensorboard else nullcontext() as self.log,
            self.reporter.progress(title, self.trainer.total_steps, progress.step) as show,
        ):
            self.save()  # a folder that cannot be written is found before the first step
            here = environment(self.trainer.device) | {"ranks": str(ranks.size)}
            self.run.record_metrics("start", step=progress.step, **here)
            try:
                for result in self.trainer.steps():
                    self.trainer.model.origin = (
                        f"{self.run.path}: step {result.step} is not saved, and step "
                        f"{self.saved_step} is the last good checkpoint"
                    )
                    self._record(result)
                    show(result.step, self._words(result))
                    if received or self.session_seconds >= limit:
                        if progress.step < self.trainer.total_steps:
                            ranks.stop_others()
                        break
                    if time.monotonic() - self.saved_at > self.stage.checkpoint_minutes * 60:
                        self.save()
            except LostRankError:
                self.save()
                raise
            self.save()
            if number := max(ranks.stopped, *received[:1], 0):
                raise Interrupted(
                    f"stopped at step {progress.step} and saved: continue with "
                    f"'{self.run.resume_command}'",
                    number,
                )
        self.run.record_metrics("end", step=progress.step, epoch=progress.epoch)
        return summarize(self.run)

    def _words(self, result: StepResult) -> str:
        self.n_examples += result.n_examples
        speed = self.n_examples / max(self.session_seconds, 1e-9)
        return (
            f"loss {result.loss:.3f}  {speed:.0f} ex/s  "
            f"epoch {result.epoch}/{self.stage.epochs}  lr {result.learning_rate:.1e}"
        )

    def _record(self, result: StepResult) -> None:
        position = {"step": result.step, "epoch": result.epoch, "seconds": round(self.seconds, 3)}
        rate = result.learning_rate
        if result.step % self.stage.log_every == 0 or result.step == 1:
            loss, norm = result.loss, result.grad_norm
            self._note("step", **position, loss=loss, grad_norm=norm, learning_rate=rate)
        if result.epoch_loss is None:
            return
        means = {"loss": result.epoch_loss, "last_loss": result.loss}
        self._note("epoch", **position, **means, learning_rate=rate)
        if self.prepared.held_out is not None:
            held_out = self.trainer.mean_loss(self.prepared.held_out)
            self._note("held_out", **position, loss=held_out)
        every = self.stage.evaluate_every if isinstance(self.stage, FinetuneConfig) else None
        due = every is not None and (result.epoch % every == 0 or result.epoch == self.stage.epochs)
        if due and self.prepared.eval_task is not None:
            answers = answer_questions(self.trainer.model, self.prepared.eval_task)
            overlap = plain(Overlap.of(answers, self.prepared.texts.require_questions()))
            self._note("accuracy", **position, **plain(score_answers(answers)), overlap=overlap)

    def _note(self, kind: str, **values: object) -> None:
        self.run.record_metrics(kind, **values)
        if self.log is not None:
            self.log(kind, values)


def summarize(run: Run) -> TrainingSummary:
    """Summarise a run from its records."""
    record, checkpoint = run.record, run.latest().record
    last: dict[str, dict[str, Any]] = {}
    for metrics in run.metrics():
        if metrics["kind"] != "accuracy" or {"n_right", "n"} <= metrics.keys():
            last[metrics["kind"]] = metrics
    return TrainingSummary(
        run=str(run.path),
        stage=record.stage,
        variant=record.variant,
        n_parameters=record.n_parameters,
        epochs=int(checkpoint.progress["epoch"]),
        planned_epochs=run.config.stage(record.stage).epochs,
        step=int(checkpoint.progress["step"]),
        loss=last.get("epoch", {}).get("loss"),
        held_out_loss=last.get("held_out", {}).get("loss"),
        accuracy=last.get("accuracy"),
        seconds=round(checkpoint.seconds, 3),
        device=checkpoint.device,
        precision=checkpoint.precision,
        resume=run.resume_command,
    )
