"""Lock a run folder, so that one process at a time works on it."""

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from nanoknow.errors import BusyError, naming
from nanoknow.system.files import read_regular, require_regular, write_atomically
from nanoknow.system.provenance import command_line

LOCK_FILE, HOLDER_FILE = "lock", "lock.holder"
PATIENCE = 0.2
"""Seconds to wait for a lock, as ``is_locked`` takes it for a moment to look."""


def is_locked(folder: Path) -> bool:
    """Whether a process holds a folder's lock."""
    if not (folder / LOCK_FILE).is_file():
        return False
    try:
        with _lock(folder):
            return False
    except OSError as error:
        return isinstance(error, TimeoutError)


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder; the system releases it however the process ends.

    Two files stay in it: the lock, and one that names the process that held it last.

    Raises:
        BusyError: another process holds it; the error names it.
        CheckpointError: the folder cannot be written.
    """
    name, since = folder / HOLDER_FILE, datetime.now(UTC).isoformat(timespec="seconds")
    holder = f"process {os.getpid()} on {platform.node()} since {since} ({command_line()[:300]})"
    advice = "name a folder on a disk that can be written and locked, with --out"
    with ExitStack() as held:
        with naming(folder / LOCK_FILE, advice):
            try:
                require_regular(folder / LOCK_FILE, by_link=False)
                held.enter_context(_lock(folder))
            except TimeoutError:
                other = "another process"
                with suppress(OSError):
                    other = read_regular(name, 10_000).decode(errors="replace").strip() or other
                going_on = "wait for it or stop it, or name another folder with --out"
                raise BusyError(f"{folder}: in use by {other}: {going_on}") from None
            write_atomically(name, holder.encode(errors="backslashreplace"))
        yield


def _lock(folder: Path) -> AbstractContextManager[object]:
    from filelock import FileLock  # warns on import if there is no fcntl

    return FileLock(
        folder / LOCK_FILE, timeout=PATIENCE, poll_interval=PATIENCE / 10, fallback_to_soft=False
    )
