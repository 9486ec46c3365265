"""``nanoknow runs``: list runs, and delete them."""

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
    """Describe the runs in the runs folder, newest first.

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
    for place, folders, files in os.walk(run.path):  # a run under way may delete files
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
    """Refuse to delete a run that a process is working on, or what is not a run.

    Raises:
        BusyError: a process is training the run, or runs the experiment that it is in.
        CheckpointError: the path is not a run folder, or is a link to one.
    """
    if path.is_symlink():
        raise CheckpointError(f"{path}: is a link: name the run folder itself")
    Run.open(path)
    if held := _held(path):
        raise BusyError(f"{path}: under way, as {held}/lock is held: wait for it, or stop it")


def remove_run(path: Path) -> None:
    """Delete a run folder; links in it are deleted, but not what they lead to.

    ``run.json`` goes last, so that after an interruption the rest can be deleted as a run folder.

    Raises:
        CheckpointError: see ``require_removable``; or the folder cannot be deleted.
    """
    require_removable(path)
    with naming(path, "make it a folder that can be written"), lock_run(path):
        for each in path.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each.name != "run.json":
                each.unlink()
        shutil.rmtree(path.resolve())  # as "." cannot be deleted


def _held(path: Path) -> Path | None:
    """Return the folder, a run's or one around it, whose lock a process holds; None without one."""
    here = path.resolve()
    return next((each for each in (here, *here.parents) if is_locked(each)), None)
