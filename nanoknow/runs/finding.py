"""Which run to take: one that is named, or the latest that fits."""

import os
from contextlib import suppress
from pathlib import Path

from nanoknow.data.tokenizer import describe
from nanoknow.errors import CheckpointError, naming
from nanoknow.runs.checkpoint import Checkpoint, list_checkpoints, read_checkpoint
from nanoknow.runs.folders import runs_folder
from nanoknow.runs.run import Run


def open_checkpoint(path: Path) -> tuple[Run, Checkpoint]:
    """Open a run's last checkpoint, or one checkpoint by its own folder in its run.

    Raises:
        CheckpointError: it is neither, is damaged, or belongs to another run.
    """
    with naming(path, "name a run folder"):
        is_checkpoint = (path / "checkpoint.json").exists()
    if is_checkpoint:
        run = Run.open(Path(os.path.relpath(path.absolute().parent.parent)))
        return run, run.own(read_checkpoint(path))
    run = Run.open(path)
    return run, run.latest()


def latest_run(
    task: str, characters: str, maker: str, if_named: str = ""
) -> tuple[Run, Checkpoint]:
    """Find the newest run of a task that has learned something and holds some characters.

    Args:
        task: its kind.
        characters: what the run will be asked to read.
        maker: the command that makes such a run, for the error.
        if_named: what happens if a run that lacks characters is named, for the error.

    Raises:
        CheckpointError: there is none, or the newest one is damaged.
    """
    folder = runs_folder()
    lacking = ""
    for run in _newest_first(folder):
        if run.record.task != task or not list_checkpoints(run.checkpoints):
            continue
        checkpoint = run.latest()
        if not checkpoint.record.progress["step"]:
            continue
        unknown = checkpoint.record.tokenizer.unknown(characters)
        if not unknown:
            return run, checkpoint
        lacking = lacking or f" ({run.path} lacks {describe(unknown[:1])}{if_named})"
    raise CheckpointError(
        f"{folder}{os.sep}: no {task} run fits{lacking}: name one, or make one with '{maker}'"
    )


def newest_run() -> Run:
    """Find the newest run of any task, whether it has learned something or not.

    Raises:
        CheckpointError: there is none.
    """
    folder = runs_folder()
    for run in _newest_first(folder):
        return run
    raise CheckpointError(f"{folder}{os.sep}: holds no run: name one")


def next_number() -> int:
    """Return the number of the next run: one more than any in the runs folder."""
    return 1 + max((run.record.number for run in _newest_first(runs_folder())), default=0)


def _newest_first(folder: Path) -> list[Run]:
    """Open the run folders at any depth, and pass over what cannot be read as one."""
    found = []
    for path in folder.glob("**/run.json"):
        with suppress(CheckpointError):
            found.append(Run.open(path.parent))
    return sorted(found, key=lambda run: (run.record.created, run.path), reverse=True)


def describe_run(run: Run, checkpoint: Checkpoint) -> str:
    """Name a run for a note: its folder, what it is, how far it came."""
    record = checkpoint.record
    planned = run.config.stage(run.record.stage).epochs
    return (
        f"{run.path} ({record.model.variant}, {record.task.kind}, "
        f"epoch {record.progress['epoch']} of {planned})"
    )
