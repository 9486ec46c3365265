"""One process at a time on a run folder."""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nanoknow.errors import BusyError, CheckpointError, naming
from nanoknow.system.provenance import command_line

LOCK_FILE = "lock"


def is_locked(folder: Path) -> bool:
    """Whether a process holds a folder's lock."""
    try:
        with (folder / LOCK_FILE).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder; the system releases it however the process ends.

    The file stays, and names who held it last.

    Raises:
        BusyError: another process has it, and is named.
        CheckpointError: the folder cannot be written.
    """
    path, since = folder / LOCK_FILE, datetime.now(UTC).isoformat(timespec="seconds")
    holder = f"process {os.getpid()} on {platform.node()} since {since} ({command_line()[:300]})"
    with naming(folder, "training needs a folder that can be written"):
        file = path.open("a+b", buffering=0)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(holder.encode())
        except BlockingIOError:
            file.seek(0)
            other = file.read(1000).decode(errors="replace").strip() or "another process"
            raise BusyError(
                f"{folder}: in use by {other}: wait for it or stop it, or name another folder "
                f"with --out"
            ) from None
        except OSError as error:
            raise CheckpointError(
                f"{path}: {error.strerror}: name a folder on a disk that can be written and "
                f"locked, with --out"
            ) from None
        yield
