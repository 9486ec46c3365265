"""Folders for runs: where they live, and which may be written."""

import os
from datetime import UTC, datetime
from pathlib import Path

from nanoknow.errors import CheckpointError, naming
from nanoknow.runs.lock import LOCK_FILE, RunLock

NAME_ANOTHER = "name a folder that can be written with --out"


def new_folder(path: Path) -> Path:
    """Make the folder of a new run, and return it.

    Raises:
        CheckpointError: it cannot be made.
    """
    with naming(path, NAME_ANOTHER):
        path.mkdir(parents=True, exist_ok=True)
    return path


def require_free(path: Path) -> None:
    """Refuse a folder where another process trains, or that holds files, before any work is done.

    Raises:
        CheckpointError: names the process, or says what to do.
    """
    if (path / LOCK_FILE).exists():
        with RunLock(path):
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


def new_run_path(stage: str, variant: str) -> Path:
    """Return a fresh folder name that sorts by time."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    base = runs_folder() / f"{stamp}-{stage}-{variant}"
    path, n = base, 1
    while path.exists():
        n += 1
        path = base.with_name(f"{base.name}-{n}")
    return path
