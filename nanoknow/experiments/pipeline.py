"""Pretraining and finetuning in a row, in named folders where an interrupted one goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import ConfigError
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import finetune
from nanoknow.training.pretrain import pretrain
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary

Stage = tuple[ExperimentConfig, Path]
"""What a run is trained by, and its folder."""


def pretrain_and_finetune(
    pretraining: Stage, finetuning: Stage, options: TrainingOptions, reporter: Reporter
) -> tuple[TrainingSummary, TrainingSummary]:
    """Train two runs, the second on the first; what is finished is only looked at.

    Raises:
        BusyError: another process trains one of them.
        ConfigError: a run of other settings stands there.
    """
    config, out = pretraining
    first = train_or_resume(partial(pretrain, config), config, out, options, reporter)
    _, source = open_checkpoint(out)
    config, out = finetuning
    start = partial(finetune, config, source)
    return first, train_or_resume(start, config, out, options, reporter)


def train_or_resume(
    start: Callable[[Path, TrainingOptions, Reporter], TrainingSummary],
    config: ExperimentConfig,
    out: Path,
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Train a run, or go on with it where an interrupted command left it.

    Raises:
        BusyError: another process trains it.
        ConfigError: a run of other settings stands there.
    """
    if not (out / "run.json").exists():
        return start(out, options, reporter)
    run = Run.open(out)
    if run.config != config:
        raise ConfigError(
            f"{out}: an earlier run with other settings: name another folder with --out"
        )
    return resume_run(run, options, reporter)
