"""``nanoknow runs``: which runs there are, and how to be rid of some."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from nanoknow.errors import BusyError, CheckpointError, naming
from nanoknow.runs.finding import newest_first
from nanoknow.runs.lock import is_locked, lock_run
from nanoknow.runs.run import Run


def list_runs() -> list[dict[str, Any]]:
    """Return what the runs in the runs folder are, newest first.

    Each has its folder, stage, variant, number of parameters and time of creation (UTC, ISO 8601),
    the names of its texts by their role, its accuracy as last measured or None, the size of its
    files in bytes, and its state: ``under way``, ``half-made`` or ``whole``.
    """
    return [_describe(run) for run in newest_first(under_way=True)]


def _describe(run: Run) -> dict[str, Any]:
    accuracy, size = None, 0
    with suppress(CheckpointError):
        for event in run.metrics():
            accuracy = event.get("accuracy", accuracy)
    for place, folders, files in os.walk(run.path):  # past what a run under way deletes
        for name in (*folders, *files):
            with suppress(OSError):
                size += Path(place, name).lstat().st_size
    return {
        "run": str(run.path),
        **run.record.model_dump(include={"stage", "variant", "n_parameters", "created"}),
        "data": {role: text["name"] for role, text in run.record.data.items()},
        "accuracy": accuracy,
        "size": size,
        "state": "under way" if _held(run.path) else "half-made" if run.is_half_made else "whole",
    }


def require_removable(path: Path) -> None:
    """Refuse to delete what is no run, or a run that a process is at work on.

    Raises:
        BusyError: one trains it, or the experiment that it is in.
        CheckpointError: it is no run folder, or a link to one.
    """
    if path.is_symlink():
        raise CheckpointError(f"{path}: is a link: name the run folder itself")
    Run.open(path)
    if held := _held(path):
        raise BusyError(f"{path}: under way, as {held}/lock is held: wait for it, or stop it")


def remove_run(path: Path) -> None:
    """Delete a run folder; of links in it, not what they lead to.

    What an interruption leaves is still a run folder, which can be deleted.

    Raises:
        CheckpointError: see ``require_removable``; or it cannot be deleted.
    """
    require_removable(path)
    with naming(path, "make it a folder that can be written"), lock_run(path):
        for each in path.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each.name != "run.json":
                each.unlink()
        shutil.rmtree(path.resolve())  # of which "." is no name to delete


def _held(path: Path) -> Path | None:
    """Return the folder whose lock a process holds: a run's, or one that it is in."""
    here = path.resolve()
    return next((each for each in (here, *here.parents) if is_locked(each)), None)
