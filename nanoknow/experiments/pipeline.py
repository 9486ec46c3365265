"""Pretraining and finetuning in a row, in named folders where an interrupted one is resumed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import ConfigError
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import finetune_from
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

RunPlan = tuple[ExperimentConfig, Path]
"""The config of a run, and its folder."""


def pretrain_and_finetune(
    pretraining: RunPlan, finetuning: RunPlan, options: TrainingOptions, reporter: Reporter
) -> tuple[TrainingSummary, TrainingSummary]:
    """Train two runs, the second on the first; a run that is complete is left as it is.

    Raises:
        BusyError: another process trains one of them.
        ConfigError: the folder holds a run with other settings.
    """
    config, out = pretraining
    first = train_or_resume(partial(start_run, "pretrain", config), config, out, options, reporter)
    run, source = open_checkpoint(out)
    config, out = finetuning
    start = partial(finetune_from, run, source, config)
    return first, train_or_resume(start, config, out, options, reporter)


def train_or_resume(
    start: Callable[[Path, TrainingOptions, Reporter], TrainingSummary],
    config: ExperimentConfig,
    out: Path,
    options: TrainingOptions,
    reporter: Reporter,
) -> TrainingSummary:
    """Train a run, or resume it where an interrupted command left it.

    Raises:
        BusyError: another process trains it.
        ConfigError: the folder holds a run with other settings.
    """
    if not (out / "run.json").exists():
        return start(out, options, reporter)
    run = Run.open(out)
    if run.config.model_copy(update={"data": config.data}) != config:  # texts have hashes
        raise ConfigError(
            f"{out}: an earlier run with other settings: name another folder with --out"
        )
    return resume_run(run, options, reporter, config)
