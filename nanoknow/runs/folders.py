"""Folders for runs: where they live, and which may be written."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nanoknow.errors import CheckpointError, naming
from nanoknow.runs.lock import LOCK_FILE, lock_run

NAME_ANOTHER = "name a folder that can be written with --out"


def new_folder(path: Path | None, name: str) -> Path:
    """Make a folder for runs, and return it.

    Args:
        path: the folder; None for one in the runs folder whose name starts with the time, and
            which no other caller gets.
        name: how the name of such a one goes on.

    Raises:
        CheckpointError: it cannot be made.
    """
    stamp, n = datetime.now(UTC).strftime("%Y%m%d-%H%M%S"), 1
    place = path or runs_folder()
    with naming(place, NAME_ANOTHER):
        place.mkdir(parents=True, exist_ok=True)
    while path is None:
        fresh = place / f"{stamp}-{name}{f'-{n}' if n > 1 else ''}"
        with naming(fresh, NAME_ANOTHER), suppress(FileExistsError):
            fresh.mkdir()
            path = fresh
        n += 1
    return path


def require_free(path: Path) -> None:
    """Refuse a folder where another process trains, or that holds files, before any work is done.

    Raises:
        CheckpointError: names the process, or says what to do.
    """
    if (path / LOCK_FILE).exists():
        with lock_run(path):
            pass
    require_unused(path)


def require_unused(path: Path) -> None:
    """Refuse a folder that holds more than a lock.

    Raises:
        CheckpointError: it does, or cannot be looked into.
    """
    with naming(path, NAME_ANOTHER):
        held = {file.name for file in path.iterdir()} if path.exists() else set()
    if held - {LOCK_FILE}:
        raise CheckpointError(
            f"{path}: holds files already: name another folder with --out, or continue the run in "
            f"it with --resume"
        )


def runs_folder() -> Path:
    """Return where runs live: ``NANOKNOW_RUNS``, or ``./runs``."""
    return Path(os.environ.get("NANOKNOW_RUNS") or "runs")
