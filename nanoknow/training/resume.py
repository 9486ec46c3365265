"""Resume a run: what must be as it was, and what may differ and is noted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.config.loading import Override
from nanoknow.data.sources import Texts
from nanoknow.errors import ConfigError, DataError
from nanoknow.runs.checkpoint import Checkpoint, CheckpointRecord
from nanoknow.runs.lock import RunLock
from nanoknow.runs.run import Run
from nanoknow.system.device import Device, choose_device
from nanoknow.system.provenance import environment
from nanoknow.system.reporter import Reporter
from nanoknow.training.prepare import find_texts, prepare
from nanoknow.training.session import TrainingOptions, TrainingSession, TrainingSummary
from nanoknow.training.state import restore_state


def resume(
    command: str,
    out: Path | None,
    config_name: str | None,
    overrides: Sequence[Override],
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Continue a run by its own config; whatever else is asked for would be silently ignored.

    Args:
        command: ``pretrain`` or ``finetune``.
        out: the run's folder.
        config_name: a config that is asked for.
        overrides: flags that are given.
        options: device and time.
        reporter: is notified of what happens.

    Raises:
        ConfigError: no run is named, another command trains it, or more is asked for than to
            continue it. See also ``resume_run``.
    """
    if out is None:
        raise ConfigError("--resume: name the run to continue with --out DIR")
    asked = [override.label for override in overrides] + (["--config"] if config_name else [])
    if asked:
        raise ConfigError(
            f"--resume continues {out} by its own config: drop {', '.join(asked)}, or start a new "
            f"run"
        )
    run = Run.open(out)
    stage = run.record.stage
    its_command = "pretrain" if stage == "pretrain" else "finetune"
    if command != its_command:
        raise ConfigError(
            f"{out}: is a {stage} run: continue it with 'nanoknow {its_command} --resume --out "
            f"{out}'"
        )
    return resume_run(run, options, reporter)


def resume_run(run: Run, options: TrainingOptions, reporter: Reporter) -> TrainingSummary:
    """Continue a run from its last checkpoint, by its own config.

    Raises:
        CheckpointError: another process trains it, or its checkpoint is damaged.
        ConfigError: its config has been changed since.
        DataError: its texts have.
    """
    options.require_packages()
    with RunLock(run.path):
        config, checkpoint = run.config, run.latest()
        record, stage = checkpoint.record, run.record.stage
        require_same_config(run, config, checkpoint)
        device = choose_device(options.device, record.precision)
        texts = find_texts(config, stage)
        require_same_texts(run, texts, checkpoint)
        model = checkpoint.load_model(device)
        prepared = prepare(config, stage, texts, record.tokenizer, model, device, reporter)
        trainer = prepared.trainer
        restore_state(trainer, checkpoint.load_training_state(), record.progress)
        step = trainer.progress.step
        run.forget_after(step)
        reporter.note(f"resuming {run.path} at step {step} of {trainer.total_steps}")
        changes = changes_since(run, record, device)
        if changes:
            reporter.note(
                f"warning: {', '.join(changes)}: the weights will not be bit-identical to those of "
                f"a run never interrupted"
            )
        return TrainingSession(run, prepared, options, reporter, record.seconds, step).train()


def require_same_config(run: Run, config: ExperimentConfig, checkpoint: Checkpoint) -> None:
    """Refuse a run's config where it says otherwise than the weights.

    Raises:
        ConfigError: names the first such value on both sides.
    """
    record = checkpoint.record
    stage = run.record.stage
    pairs: tuple[tuple[str, BaseModel, BaseModel], ...] = (
        ("model", config.model, record.model),
        (f"{stage}.task", config.stage(stage).task, record.task),
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


def require_same_texts(run: Run, texts: Texts, checkpoint: Checkpoint) -> None:
    """Refuse texts that are not those of a run.

    Raises:
        DataError: names the first.
    """
    for role, text in texts.hashes().items():
        now, then = text["sha256"], checkpoint.record.data.get(role, text)["sha256"]
        if now != then:
            raise DataError(
                f"{text['name']}: SHA-256 {now[:12]}… here, and {then[:12]}… when {run.path} was "
                f"trained: put the old {role} back, or start a new run"
            )


def changes_since(run: Run, record: CheckpointRecord, device: Device) -> list[str]:
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
