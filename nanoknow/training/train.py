"""``nanoknow pretrain`` and ``finetune``: a new run, or more of one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from nanoknow.config.experiment import ExperimentConfig, StageName
from nanoknow.config.loading import Override
from nanoknow.runs.checkpoint import Checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import choose_start
from nanoknow.training.recipe import resolve_recipe
from nanoknow.training.resume import resume as resume_training
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

SCRATCH: Final = "scratch"
Command = Literal["pretrain", "finetune"]


def train(
    command: Command,
    start: str | None,
    config_name: str | None,
    flags: Sequence[Override],
    out: Path | None,
    options: TrainingOptions,
    reporter: Reporter,
    *,
    resume: bool = False,
) -> TrainingSummary:
    """Train what a command plans, or with ``resume`` continue the run in ``out``.

    Raises:
        NanoknowError: see ``resume``, ``plan`` and ``start_run``.
    """
    if resume:
        stage: StageName = SCRATCH if start == SCRATCH else command
        stage = stage if out is None else Run.open(out).record.stage
        given = [Override("from", start, "--from")] if start else []
        asked = [*given, *_of_stage(stage, flags)]
        return resume_training(command, out, config_name, asked, options, reporter)
    planned, config, source = plan(command, start, config_name, flags, reporter)
    return start_run(planned, config, out, options, reporter, source)


def plan(
    command: Command,
    start: str | None,
    config_name: str | None,
    flags: Sequence[Override],
    reporter: Reporter,
) -> tuple[StageName, ExperimentConfig, Checkpoint | None]:
    """Return which stage a command trains, its config, and what it starts from.

    Args:
        command: its name.
        start: see ``choose_start``, or ``scratch``; None for ``pretrain``.
        config_name: likewise.
        flags: of a stage, see ``training_flags``, set the one that is trained.
        reporter: is notified of what happens.

    Raises:
        NanoknowError: see ``choose_start`` and ``resolve_recipe``.
    """
    stage: StageName = SCRATCH if start == SCRATCH else command
    overrides = _of_stage(stage, flags)
    if stage == "finetune":
        return stage, *choose_start(start, config_name, overrides, reporter)
    return stage, resolve_recipe(config_name, overrides, reporter), None


def _of_stage(stage: StageName, flags: Sequence[Override]) -> list[Override]:
    return [replace(flag, key=flag.key.replace("{stage}", stage)) for flag in flags]
