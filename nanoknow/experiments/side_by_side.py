"""Train the runs of one command in one precision; side by side, each process has one thread."""

import multiprocessing
import signal
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from nanoknow.errors import BusyError, ConfigError, Interrupted
from nanoknow.experiments.jobs import train_as_jobs
from nanoknow.experiments.pipeline import Launch, PlannedRun, chains_of
from nanoknow.runs.checkpoint import read_checkpoint
from nanoknow.system.device import choose_device
from nanoknow.system.provenance import command_line
from nanoknow.system.reporter import Reporter, Update
from nanoknow.system.signals import HANGUP, stop_signals
from nanoknow.training.session import TrainingOptions

SECONDS = 30.0
"""Least time between two progress lines of a run."""


@contextmanager
def several_runs(
    runs: Sequence[PlannedRun], launch: Launch, folder: Path, reporter: Reporter, more: str = ""
) -> Iterator[TrainingOptions]:
    """Yield the options by which one command trains all of its runs, in one precision.

    ``precision: auto`` is resolved once for all configs: to the precision of a run that has been
    begun, or else to what suits the device. Where a signal stops the command, the error names the
    command that continues all of it.

    Args:
        runs: the runs; the parent of each one's folder holds only runs of this command.
        launch: with a launcher or several processes, these train the runs before anything is
            yielded; with several processes each has one thread, this one included.
        folder: the folder of all runs.
        reporter: is notified of the precision.
        more: arguments to add to the command that continues.

    Raises:
        CheckpointError: a run's checkpoint is damaged.
        ConfigError: the device does not exist, or jobs have failed.
        Interrupted: a signal stopped it, in a run or between two.
        NanoknowError: the error that stopped one of the processes.
    """
    if launch.launcher is not None:
        train_as_jobs(runs, launch.device, launch.launcher, folder / "jobs", reporter)
    folders = [run.place.parent for run in runs if run.config.precision == "auto"]
    # Not **, which fails if another process deletes a checkpoint while it is searched.
    found = [path for each in folders for path in sorted(each.glob("*/checkpoints/step-*"))]
    # The newest: another process that trains the run may delete those before it.
    precision = read_checkpoint(found[-1]).record.precision if found else "auto"
    chosen = choose_device(launch.device, precision)
    if folders:
        why = f"that of {found[-1]}" if found else chosen.reason
        reporter.note(f"precision of all runs: {chosen.precision} ({why})")
    threads = torch.get_num_threads()
    try:
        options = TrainingOptions(launch.device, precision=chosen.precision)
        if launch.processes > 1:
            torch.set_num_threads(1)
            _train_side_by_side(runs, launch.processes, options, reporter)
        yield options
    except (Interrupted, KeyboardInterrupt) as stop:
        number = getattr(stop, "exit_code", 128 + signal.SIGINT) - 128
        raise Interrupted(f"stopped: continue with '{command_line()}{more}'", number) from None
    finally:
        torch.set_num_threads(threads)


def _train_side_by_side(
    runs: Sequence[PlannedRun], processes: int, options: TrainingOptions, reporter: Reporter
) -> None:
    """Train runs in several processes; a run that another command trains is skipped.

    Each chain of runs is trained by one process. If one fails, or a signal comes, the others save
    their state and end too.
    """
    waiting, running = deque(chains_of(runs)), dict[Connection, SpawnProcess]()
    failure: Exception | None = None
    with stop_signals() as received:
        while waiting or running:
            while waiting and len(running) < processes:
                connection, process = _start(waiting.popleft(), options)
                running[connection] = process
            ready = wait(list(running), timeout=0.2)
            found = [_hear(each, running, reporter) for each in list(running) if each in ready]
            if received:
                found.append(Interrupted("stopped", received[0]))
            if failure is None and (failure := next(filter(None, found), None)):
                waiting.clear()
                for process in running.values():
                    process.terminate()  # once: a second signal would cut the saving short
    if failure is not None:
        raise failure


def _hear(
    connection: Connection, running: dict[Connection, SpawnProcess], reporter: Reporter
) -> Exception | None:
    """Pass on a process's note, or return its error; once it has ended, remove it."""
    try:
        message = connection.recv()
    except (EOFError, OSError):  # OSError: it was killed while it sent a message
        process = running.pop(connection)
        process.join()
        connection.close()
        if not process.exitcode:
            return None
        why = "for want of memory perhaps: the same command goes on, with fewer --processes"
        if process.exitcode > 0:  # before ``_work``, which sends what it fails by
            why = "as it began: start it by a script's file, under if __name__ == '__main__'"
        return ConfigError(f"a training process ended with {process.exitcode}, {why}")
    if isinstance(message, Exception):
        return message
    reporter.note(message)
    return None


def _start(
    chain: Sequence[PlannedRun], options: TrainingOptions
) -> tuple[Connection, SpawnProcess]:
    """Start a process that blocks Ctrl-C and hang-ups: only the first process acts on these."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(chain, options, sender), daemon=True)
    if mask := getattr(signal, "pthread_sigmask", None):  # POSIX
        resource_tracker.ensure_running()  # if started later, it would unblock the signals
        before = mask(signal.SIG_BLOCK, {signal.SIGINT, HANGUP})
    process.start()
    if mask:
        mask(signal.SIG_SETMASK, before)
    sender.close()
    return receiver, process


def _work(chain: Sequence[PlannedRun], options: TrainingOptions, sender: Connection) -> None:
    torch.set_num_threads(1)
    reporter = _Sender(chain[0].place, sender)
    try:
        for run in chain:
            run.train(options, reporter)
    except BusyError as error:
        reporter.note(f"left to another process: {error}")
    except Exception as error:
        error.add_note(traceback.format_exc())  # for --debug
        with suppress(OSError):
            sender.send(error)


@dataclass
class _Sender:
    """A reporter that sends notes, and progress every ``SECONDS``, to the first process."""

    name: Path
    connection: Connection
    said: float = 0.0

    def note(self, text: str) -> None:
        with suppress(OSError):  # the first process has gone
            self.connection.send(f"{self.name}: {text}")

    @contextmanager
    def progress(self, title: str, total: int, done: int = 0) -> Iterator[Update]:  # noqa: ARG002
        self.said = time.monotonic()

        def update(now: int, words: str) -> None:
            parent = multiprocessing.parent_process()
            if parent is not None and not parent.is_alive():
                signal.raise_signal(signal.SIGTERM)  # saves the run
            if time.monotonic() - self.said > SECONDS:
                self.said = time.monotonic()
                self.note(f"{title} {now}/{total} {words}")

        yield update
