"""Train runs as jobs of a cluster, through submitit (the extra ``slurm``)."""

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nanoknow.errors import ConfigError, NanoknowError
from nanoknow.experiments.pipeline import PlannedRun, chains_of
from nanoknow.runs.run import Run
from nanoknow.system.device import choose_device
from nanoknow.system.reporter import Lines, Reporter
from nanoknow.training.session import TrainingOptions

MINUTES, TURNS = 60, 1000
"""Minutes that a job may run before it is queued again, and how often it may be."""


class Job:
    """Trains runs one after the other; submitit queues it again if the cluster ends it early."""

    def __call__(self, chain: Sequence[PlannedRun], device: str) -> str:
        """Return the error that it failed with, or an empty text when all runs are complete."""
        try:
            for run in chain:
                run.train(TrainingOptions(device), Lines(sys.stderr))
        except Exception as error:
            traceback.print_exc()
            return str(NanoknowError(f"{type(error).__name__}: {error}"))
        return ""

    def checkpoint(self, *arguments: Any) -> Any:  # noqa: ANN401 - submitit's
        """Return the submission that goes on from the last checkpoints, as submitit asks for it."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


def train_as_jobs(
    runs: Sequence[PlannedRun], device: str, launcher: str, folder: Path, reporter: Reporter
) -> None:
    """Train all incomplete runs, each chain of them as a job, and wait for the jobs.

    Args:
        runs: all runs; ``chains_of`` divides them into jobs.
        device: that the jobs train on.
        launcher: ``slurm``, or ``local`` for all jobs at once on this machine.
        folder: for the jobs' pickled inputs and logs; all machines of the cluster must share it.
        reporter: is notified of each job that has ended.

    Raises:
        ConfigError: submitit is not installed, jobs cannot be submitted, or some have failed.
        KeyboardInterrupt: after the jobs were cancelled.
    """
    try:
        import submitit
    except ImportError:
        needs = "--launcher: needs the package submitit: install it with"
        raise ConfigError(f"{needs} \"pip install 'nanoknow[slurm]'\"") from None
    logging.getLogger("submitit").handlers.clear()  # one writes to stdout
    choose_device(device)  # refuse a missing one now: it evaluates the runs after the jobs
    chains = [chain for chain in chains_of(runs) if not all(map(_is_complete, chain))]
    if not chains:
        return
    try:
        executor = submitit.AutoExecutor(folder / "%j", launcher, slurm_max_num_timeout=TURNS)
        executor.update_parameters(name="nanoknow", timeout_min=MINUTES)
        jobs = executor.map_array(Job(), chains, [device] * len(chains))
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"--launcher {launcher}: {error}: fix that, or leave it out") from None
    reporter.note(f"{len(jobs)} jobs, with logs in {folder}; Ctrl-C cancels them")
    failed = 0
    try:
        for job in submitit.helpers.as_completed(jobs, poll_frequency=1):
            said = f"no result ({job.state})" if job.exception() else job.result()
            how = f"failed: {said}: see {job.paths.stderr}" if said else "is complete"
            reporter.note(f"job {job.job_id}, {chains[jobs.index(job)][-1].place}: {how}")
            failed += bool(said)
    except KeyboardInterrupt:
        for job in jobs:
            job.cancel(check=False)
        raise
    if failed:
        again = "the same command submits them again; without --launcher it trains them here"
        raise ConfigError(f"{failed} of {len(jobs)} jobs failed, as said above: {again}")


def _is_complete(run: PlannedRun) -> bool:
    return (run.place / "run.json").exists() and not Run.open(run.place).is_half_made
