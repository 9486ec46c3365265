"""Folders for runs: where they are, and which may be written."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nanoknow.errors import BusyError, CheckpointError, naming
from nanoknow.runs.lock import HOLDER_FILE, LOCK_FILE, is_locked, lock_run

NAME_ANOTHER = "name a folder that can be written with --out"
BEGUN = {"checkpoints", "config.yaml", "run.json"}
"""What a run folder holds if the run was killed before its first checkpoint."""
OWN = {*BEGUN, LOCK_FILE, HOLDER_FILE, "metrics.jsonl", "predictions"}
"""Names in a run folder that only the run itself writes; any other name is free."""


def new_folder(path: Path | None, name: str) -> Path:
    """Make a folder for runs, and return it.

    Args:
        path: the folder; None for a new one in the runs folder, which no other caller gets and
            whose name starts with the time.
        name: what follows the time.

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


def run_of(path: Path) -> Path:
    """Return the run folder that a path names, or whose checkpoint it names.

    Raises:
        CheckpointError: it is neither, or cannot be looked into.
    """
    with naming(path, "name a run folder"):
        for each in (path, Path(os.path.relpath(path.resolve().parent.parent))):
            file = each / "run.json"
            if file.exists() or file.is_symlink():  # a link may lead nowhere
                return each
    raise no_run(path)


def owner(path: Path) -> Path | None:
    """Return the run folder that keeps a file for itself, or would; None for any other file."""
    file = path.absolute()
    owns = (p for p in file.parents if file.relative_to(p).parts[0] in OWN)
    return next((each for each in owns if (each / "run.json").exists()), None)


def no_run(path: Path) -> CheckpointError:
    """Return the error for a path that is named as a run folder and is none."""
    made = "name one that 'nanoknow pretrain' or 'nanoknow finetune' made"
    if not os.path.lexists(path):
        return CheckpointError(
            f"{path}: not a run folder: nothing is there: {made} ('nanoknow runs list')"
        )
    return CheckpointError(
        f"{path}: not a run folder, or one that is starting or ended before its first step: it has "
        f"no run.json: wait, or {made}"
    )


def require_free(path: Path) -> None:
    """Refuse, before any work, a folder where another process trains or that holds files.

    Raises:
        CheckpointError: names the process, or says what to do; see ``require_unused``.
    """
    if (path / LOCK_FILE).exists():
        with lock_run(path):
            pass
    require_unused(path)


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, oldest first."""
    with naming(folder, "make it readable"):
        found = list(folder.iterdir()) if folder.is_dir() else []
    steps = [path for path in found if re.fullmatch(r"step-\d{8,}", path.name)]
    return sorted(steps, key=lambda path: int(path.name.removeprefix("step-")))


def require_unused(path: Path) -> None:
    """Refuse a folder that holds more than a lock and a run killed before its first checkpoint.

    Raises:
        BusyError: it holds a run, which another process may have made meanwhile.
        CheckpointError: it holds other files, or cannot be looked into.
    """
    with naming(path, NAME_ANOTHER):
        held = {file.name for file in path.iterdir()} if path.exists() else set()
    if held >= BEGUN and not list_checkpoints(path / "checkpoints"):
        held -= BEGUN
    if held - {LOCK_FILE, HOLDER_FILE}:
        what = f"{path}: holds files already: name another folder with --out"
        if "run.json" in held:
            raise BusyError(f"{what}, or continue the run in it with --resume")
        raise CheckpointError(what)


def runs_folder() -> Path:
    """Return the folder for runs: ``NANOKNOW_RUNS``, or ``./runs``."""
    return Path(os.environ.get("NANOKNOW_RUNS") or "runs")


def run_folders(folder: Path, *, under_way: bool) -> Iterator[Path]:
    """Yield the run folders at any depth, each once, following symbolic links.

    Locked folders, such as a running demo's, are entered only with ``under_way``.
    """
    seen: set[str] = set()
    with naming(folder, "make it a folder that can be read"), suppress(FileNotFoundError):
        next(folder.iterdir(), None)
    for place, folders, files in os.walk(folder, followlinks=True):
        path, real, is_run = Path(place), os.path.realpath(place), "run.json" in files
        if is_run and real not in seen:
            yield path
        left = is_run or real in seen or (not under_way and is_locked(path))
        folders[:] = [] if left else sorted(folders)
        seen.add(real)
