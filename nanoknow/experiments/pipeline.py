"""A run and its pretraining, in named folders where an interrupted one is resumed."""

from collections.abc import Callable
from dataclasses import dataclass
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

Start = Callable[[ExperimentConfig, Path, TrainingOptions, Reporter], TrainingSummary]


@dataclass(frozen=True)
class PlannedRun:
    """A run that learns to answer questions, and what it starts from.

    Attributes:
        row: what it is an instance of: a row of a sweep, a way to train.
        config: its own.
        place: its folder.
        pretraining: config and folder of the run that it starts from, which may be that of
            others too; None where it starts from scratch.
    """

    row: str
    config: ExperimentConfig
    place: Path
    pretraining: tuple[ExperimentConfig, Path] | None

    def train(self, options: TrainingOptions, reporter: Reporter) -> list[TrainingSummary]:
        """Train the run, after its pretraining; what is complete is left as it is.

        Raises:
            BusyError: another process trains one of them.
            ConfigError: a folder holds a run with other settings.
        """
        reporter.note(f"{self.row}, seed {self.config.seed}: {self.place}")
        if self.pretraining is None:
            scratch = partial(start_run, "scratch")
            return [train_or_resume(scratch, self.config, self.place, options, reporter)]
        config, source = self.pretraining
        first = train_or_resume(partial(start_run, "pretrain"), config, source, options, reporter)
        finetune = partial(finetune_from, *open_checkpoint(source))
        return [first, train_or_resume(finetune, self.config, self.place, options, reporter)]


def train_or_resume(
    start: Start, config: ExperimentConfig, out: Path, options: TrainingOptions, reporter: Reporter
) -> TrainingSummary:
    """Train a run, or resume it where an interrupted command left it.

    Args:
        start: trains it in a new folder.
        config: of the run.
        out: its folder.
        options: device, time, and the precision of a run that starts where its config leaves it.
        reporter: is notified of what happens.

    Raises:
        BusyError: another process trains it.
        ConfigError: the folder holds a run with other settings.
    """
    run = Run.open(out) if (out / "run.json").exists() else None
    if config.precision == "auto":
        own = run.config.precision if run else options.precision
        config = config.model_copy(update={"precision": own})
    if run is None:
        return start(config, out, options, reporter)
    config = config.with_answer_length(run.config.finetune.task.max_answer_length)
    # Texts have hashes, and ``resume_run`` compares the precision with the checkpoint's.
    compared_there = {"data": config.data, "precision": config.precision}
    if run.config.model_copy(update=compared_there) != config:
        advice = "name another folder with --out"
        raise ConfigError(f"{out}: an earlier run with other settings: {advice}")
    return resume_run(run, options, reporter, config)
