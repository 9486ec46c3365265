"""Which run to take: one that is named, or the latest that fits."""

import os
from collections.abc import Container, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from nanoknow.data.tokenizer import describe
from nanoknow.errors import CheckpointError
from nanoknow.runs.checkpoint import Checkpoint, read_checkpoint
from nanoknow.runs.folders import list_checkpoints, run_folders, run_of, runs_folder
from nanoknow.runs.records import LATEST
from nanoknow.runs.run import Run

IF_NAMED = ": named, it would leave that out"


def open_checkpoint(path: Path) -> tuple[Run, Checkpoint]:
    """Open a run and its last checkpoint, or the checkpoint whose own folder is named.

    Raises:
        CheckpointError: the path is neither, or the checkpoint is damaged or another run's.
    """
    around = run_of(path)
    if around != path and path.suffix == ".partial":
        raise CheckpointError(f"{path}: not saved to its end, or not yet: name the run, {around}")
    run = Run.open(around)
    return run, run.latest() if around == path else run.own(read_checkpoint(path))


def latest_run(
    task: str, characters: str, maker: str, others: Iterable[str] = (), *, whole: bool = False
) -> tuple[Run, Checkpoint]:
    """Find the run that a command takes if none is named, among those trained for a step or more.

    Runs of the task that the command is for are preferred, then runs that are not half-made, then
    those whose vocabulary lacks the fewest of the characters, then the newest.

    Args:
        task: the kind of task that the command is for.
        characters: what the run will be asked to read.
        maker: the command that makes such a run, for the error.
        others: kinds of task that will do if there is no run of the first.
        whole: whether the vocabulary has to have all of the characters.

    Raises:
        CheckpointError: there is none, or one that would be taken is damaged.
    """

    def rank(run: Run) -> tuple[bool, bool]:
        return run.record.task != task, run.is_half_made

    lacking = ""
    for _, runs in groupby(sorted(newest_first({task, *others}), key=rank), rank):
        fits: list[tuple[int, Run, Checkpoint]] = []
        for run in runs:
            checkpoint = run.latest() if list_checkpoints(run.checkpoints) else None
            if checkpoint and checkpoint.record.progress["step"]:
                unknown = checkpoint.record.tokenizer.unknown(characters)
                if not unknown:
                    return run, checkpoint
                fits.append((len(unknown), run, checkpoint))
                lacking = lacking or f" ({run.path} lacks {describe(unknown[:1])}{IF_NAMED})"
        if fits and not whole:
            return min(fits, key=lambda fit: fit[0])[1:]
    what = f"{runs_folder()}{os.sep}: no {task} run fits{lacking}"
    raise CheckpointError(f"{what}: name one, or make one with '{maker}'")


def newest_run() -> Run:
    """Find the newest run of any task, trained or not; half-made ones come last.

    Raises:
        CheckpointError: there is none.
    """
    for run in sorted(newest_first(), key=lambda run: run.is_half_made):
        return run
    raise CheckpointError(f"{runs_folder()}{os.sep}: holds no run: name one")


def scratch_beside(run: Run) -> Run | None:
    """Return the run ``scratch`` beside a run, if it was made with the same texts; else None."""
    with suppress(CheckpointError):
        other = Run.open(Path(os.path.relpath(run.path.absolute().parent / "scratch")))
        if other.record.id != run.record.id and other.record.data == run.record.data:
            return other
    return None


def next_number() -> int:
    """Return the number of the next run: one more than any in the runs folder."""
    numbers = [run.record.number for run in newest_first(under_way=True)]
    return min(LATEST, 1 + max(numbers, default=0))


def newest_first(tasks: Container[str] | None = None, *, under_way: bool = False) -> list[Run]:
    """Open the runs in the runs folder, skipping what cannot be read as one.

    Newest first, by number: the order in which they were made, whatever the clock said. Runs
    without a number follow, by date, and of these the ones with a date in the future come last.

    Args:
        tasks: the kinds of task to keep; None for all.
        under_way: include the runs of a demo that is under way.
    """
    found = []
    for path in run_folders(runs_folder(), under_way=under_way):
        with suppress(CheckpointError, ValueError):
            run = Run.open(path)
            created = datetime.fromisoformat(run.record.created)
            created = created.replace(tzinfo=created.tzinfo or UTC)
            order = run.record.number, created <= datetime.now(UTC), created, path
            if tasks is None or run.record.task in tasks:
                found.append((order, run))
    return [run for _, run in sorted(found, key=lambda each: each[0], reverse=True)]


def describe_run(run: Run, checkpoint: Checkpoint) -> str:
    """Describe a run for a note: folder, model, task, epochs, and whether it is half-made."""
    record = checkpoint.record
    planned = run.config.stage(run.record.stage).epochs
    return (
        f"{run.path} ({record.model.variant}, {record.task.kind}, "
        f"epoch {record.progress['epoch']} of {planned}{half_made(run)})"
    )


def half_made(run: Run) -> str:
    """Say that a run is half-made, and what continues it; nothing where it is not."""
    return f", half-made: '{run.resume_command}' continues it" if run.is_half_made else ""
