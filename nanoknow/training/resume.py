"""Resume a run; check what must be as it was, and note what may differ."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from nanoknow.config.experiment import ExperimentConfig, StageConfig
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.lock import lock_run
from nanoknow.runs.records import CheckpointRecord
from nanoknow.runs.run import Run
from nanoknow.system.device import Device, choose_device
from nanoknow.system.provenance import environment
from nanoknow.system.reporter import Reporter
from nanoknow.training.optimizer import learning_rate
from nanoknow.training.prepare import prepare, roles_of
from nanoknow.training.ranks import joined
from nanoknow.training.session import TrainingOptions, TrainingSession, TrainingSummary, summarize
from nanoknow.training.trainer import Trainer

FREE = ("log_every", "checkpoint_minutes", "evaluate_every")
"""Keys of a stage that do not affect what is computed."""
NOTED = ("epochs", "batch_size")
"""Keys of a stage that may change, with an effect that is noted. All others are refused."""


def resume_run(
    run: Run, options: TrainingOptions, reporter: Reporter, config: ExperimentConfig | None = None
) -> TrainingSummary:
    """Continue a run from its last checkpoint.

    Args:
        run: a run folder.
        options: device and time.
        reporter: is notified of what happens.
        config: the one to continue with, which becomes the run's; None to keep the run's.

    Raises:
        CheckpointError: another process trains it, or its checkpoint is damaged.
        ConfigError: the config differs in what may not change.
        DataError: its texts have changed, or are not found.
    """
    config = config or run.config
    with joined(options.device) as ranks, nullcontext() if ranks.rank else lock_run(run.path):
        reporter = ranks.silencing(reporter)
        with ranks.agreeing():  # all ranks have read the files before rank 0 writes to them
            checkpoint = run.latest()
            record, stage = checkpoint.record, run.record.stage
            state = checkpoint.load_training_state()
            then = config_then(run, record, state)
            require_allowed_changes(run, config, then, checkpoint)
            device = choose_device(options.device, record.precision)
            texts = Texts.find(config.data, roles_of(config, stage, run.record.data))
            run.require_same_texts(texts)
            config = config.model_copy(update={"data": texts.config})
            model = checkpoint.load_model(device)
        step = int(record.progress["step"])
        is_complete = record.progress["epoch"] == config.stage(stage).epochs
        if is_complete and not options.tensorboard:  # with it, the event files are written below
            if ranks.rank:
                raise SystemExit(0)
            reporter.note(f"resuming {run.path} at step {step} of {step}")
            return summarize(run.with_config(config))
        with ranks.agreeing():
            prepared = prepare(config, stage, texts, record.tokenizer, model, device, reporter)
            trainer = prepared.trainer
            trainer.restore(state, record.progress)
        trainer.ranks = ranks
        if ranks.rank:
            ranks.follow(trainer.steps())
        changes = list(changes_since(run, record, device, ranks.size))
        run = run.with_config(config)
        run.forget_after(step)
        reporter.note(f"resuming {run.path} at step {step} of {trainer.total_steps}")
        if not is_complete:
            for note in (*effects(trainer, then.stage(stage)), *changes):
                reporter.note(note)
        return TrainingSession(run, prepared, options, reporter, record.seconds, step).train()


def config_then(run: Run, record: CheckpointRecord, state: Mapping[str, Any]) -> ExperimentConfig:
    """Return the config that a checkpoint was trained with.

    Before 0.3.0 checkpoints did not hold it: what they do not record is as in the run's
    ``config.yaml``, whatever flags ask for.
    """
    if record.config is not None:
        return record.config
    stage = run.config.stage(run.record.stage).model_copy(update={"task": record.task})
    if record.progress["step"]:
        has_muon = any(name.startswith("optimizer.momentum_buffer.") for name in state)
        optimizer = {"matrix_optimizer": "muon" if has_muon else "adamw"}
        stage = stage.model_copy(update={"optimizer": stage.optimizer.model_copy(update=optimizer)})
    known = {"seed": record.seed, "model": record.model, run.record.stage: stage}
    return run.config.model_copy(update=known)


def require_allowed_changes(
    run: Run, config: ExperimentConfig, then: ExperimentConfig, checkpoint: Checkpoint
) -> None:
    """Refuse a config that differs from a checkpoint's in more than ``FREE`` and ``NOTED``.

    Texts are not compared here, only how they are read: they have hashes.

    Raises:
        ConfigError: names the first such value on both sides; or fewer epochs are asked for than
            the run has begun.
    """
    stage, record = run.record.stage, checkpoint.record
    allowed = {f"{stage}.{name}" for name in (*FREE, *NOTED)}
    compared: dict[str, Any] = dict.fromkeys(("seed", "precision", "model", stage), True)
    compared["data"] = {"documents", "skip_long"}
    now, was = (dict(_values(each.model_dump(include=compared))) for each in (config, then))
    was["precision"] = record.precision  # and not ``auto``, where the config has that
    now["precision"] = record.precision if config.precision == "auto" else config.precision
    for key in {**now, **was}:
        if now.get(key) != was.get(key) and key not in allowed:
            raise ConfigError(
                f"{run.path}: {key}: {now.get(key)} is asked for, and {was.get(key)} in "
                f"{checkpoint.path.name}, which was trained with it: put it back in config.yaml or "
                f"the command, or start a new run"
            )
    epochs = config.stage(stage).epochs
    begun = int(record.progress["epoch"] + (record.progress["batch"] > 0))
    if epochs < begun:
        raise ConfigError(
            f"{run.path}: {stage}.epochs: {epochs}, and epoch {begun} is begun in "
            f"{checkpoint.path.name}: ask for {begun} or more, or start a new run"
        )


def _values(section: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in nested mappings by dotted keys."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _values(value, f"{name}{key}.")
        else:
            yield f"{name}{key}", value


def effects(trainer: Trainer, then: StageConfig) -> Iterator[str]:
    """Say what each change of a key in ``NOTED`` does from here on."""
    now, progress = trainer.config, trainer.progress
    if now.batch_size != then.batch_size:
        yield (
            f"batch_size {then.batch_size} then and {now.batch_size} now: goes on after the "
            f"{progress.examples} examples of epoch {progress.epoch + 1} that are done"
        )
    if now.epochs != then.epochs:
        schedule, peak = now.schedule, now.optimizer.learning_rate
        old, new = (trainer.planned_tokens(epochs) for epochs in (then.epochs, now.epochs))
        before, rate, last = (
            learning_rate(schedule, peak, tokens, planned)
            for tokens, planned in ((progress.tokens, old), (progress.tokens, new), (new, new))
        )
        yield (
            f"epochs {then.epochs} then and {now.epochs} now: by the schedule the learning rate "
            f"goes on from {rate:.1e} ({before:.1e} by the former epochs) and ends at {last:.1e}"
        )


def changes_since(
    run: Run, record: CheckpointRecord, device: Device, n_ranks: int
) -> Iterator[str]:
    """Warn of changes since a checkpoint was written that may make results round otherwise."""
    here = environment(device) | {"ranks": str(n_ranks)}
    there = {"nanoknow": record.version, "torch": record.torch}
    there |= {"device": record.device, "precision": record.precision}
    for start in (m for m in run.metrics() if m["kind"] == "start"):  # the last one counts
        keys = ("revision", "code", "python", "numpy")
        there |= {key: str(start.get(key, here[key])) for key in keys}
        there["ranks"] = start.get("ranks", "1")
    changes = [f"{k} {then} then and {here[k]} now" for k, then in there.items() if then != here[k]]
    if changes:
        yield (
            f"warning: {', '.join(changes)}: the weights may not be bit-identical to those of a "
            f"run never interrupted"
        )
