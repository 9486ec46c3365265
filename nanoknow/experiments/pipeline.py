"""Pretraining and finetuning in a row, in named folders where an interrupted one is resumed."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from nanoknow.config.experiment import ExperimentConfig
from nanoknow.errors import ConfigError, Interrupted
from nanoknow.runs.checkpoint import read_checkpoint
from nanoknow.runs.finding import open_checkpoint
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.provenance import command_line
from nanoknow.system.reporter import Reporter
from nanoknow.training.finetune import finetune_from
from nanoknow.training.resume import resume_run
from nanoknow.training.session import TrainingOptions, TrainingSummary
from nanoknow.training.start import start_run

RunPlan = tuple[ExperimentConfig, Path]
"""The config of a run, and its folder."""
Start = Callable[[ExperimentConfig, Path, TrainingOptions, Reporter], TrainingSummary]


@contextmanager
def several_runs(
    plans: Iterable[RunPlan], device: str, reporter: Reporter, more: str = "", processes: int = 1
) -> Iterator[TrainingOptions]:
    """Yield the options of runs that are trained by one command, in one precision.

    What ``precision: auto`` is in their configs is decided once: what runs below their folders
    have already, or else what suits the device. Where a signal stops the command, the error names
    what continues all of it.

    Args:
        plans: a config, and the folder that its runs are below.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: is notified of the precision.
        more: to be added to the command that continues.
        processes: where there are several, each has one thread, this one too.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
        ConfigError: the device does not exist.
        Interrupted: it was stopped, in the middle of a run or between two.
    """
    folders = [folder for config, folder in plans if config.precision == "auto"]
    found = [f.parent for each in folders for f in sorted(each.glob("**/step-*/checkpoint.json"))]
    chosen = choose_device(device, read_checkpoint(found[0]).record.precision if found else "auto")
    if folders:
        why = f"that of {found[0]}" if found else chosen.reason
        reporter.note(f"precision of all runs: {chosen.precision} ({why})")
    threads = torch.get_num_threads()
    try:
        if processes > 1:
            torch.set_num_threads(1)
        yield TrainingOptions(device=device, precision=chosen.precision)
    except (Interrupted, KeyboardInterrupt) as stop:
        number = getattr(stop, "exit_code", 128 + signal.SIGINT) - 128
        raise Interrupted(f"stopped: continue with '{command_line()}{more}'", number) from None
    finally:
        torch.set_num_threads(threads)


def pretrain_and_finetune(
    pretraining: RunPlan, finetuning: RunPlan, options: TrainingOptions, reporter: Reporter
) -> tuple[TrainingSummary, TrainingSummary]:
    """Train two runs, the second on the first; a run that is complete is left as it is.

    Raises:
        BusyError: another process trains one of them.
        ConfigError: the folder holds a run with other settings.
    """
    first = train_or_resume(partial(start_run, "pretrain"), pretraining, options, reporter)
    finetune = partial(finetune_from, *open_checkpoint(pretraining[1]))
    return first, train_or_resume(finetune, finetuning, options, reporter)


def train_or_resume(
    start: Start, plan: RunPlan, options: TrainingOptions, reporter: Reporter
) -> TrainingSummary:
    """Train a run, or resume it where an interrupted command left it.

    Args:
        start: trains it in a new folder.
        plan: its config and folder.
        options: device, time, and the precision of a run that starts where its config leaves it.
        reporter: is notified of what happens.

    Raises:
        BusyError: another process trains it.
        ConfigError: the folder holds a run with other settings.
    """
    config, out = plan
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
