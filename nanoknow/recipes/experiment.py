"""Pretraining and finetuning in a row, in named folders where an interrupted one goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from nanoknow.config import ExperimentConfig
from nanoknow.errors import ConfigError
from nanoknow.found_runs import open_checkpoint
from nanoknow.recipes.finetune import finetune
from nanoknow.recipes.pretrain import pretrain
from nanoknow.recipes.sitting import TrainingOptions, TrainingSummary
from nanoknow.recipes.training import resume_run
from nanoknow.reporter import Reporter
from nanoknow.runs import Run

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
