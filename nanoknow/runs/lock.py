"""One process at a time on a run folder."""

import fcntl
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

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


class RunLock:
    """Held while entered; the system releases it however the process ends, by kill -9 too.

    The file stays, and names who held it last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock of an existing folder.

        Raises:
            BusyError: another process has it, and is named.
            CheckpointError: the folder cannot be written.
        """
        with naming(self.folder, "training needs a folder that can be written"):
            descriptor = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, _describe_process().encode())
        except OSError as error:
            taken = isinstance(error, BlockingIOError)
            holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
            os.close(descriptor)
            if not taken:
                raise CheckpointError(
                    f"{self.folder / LOCK_FILE}: {error.strerror}: name a folder on a disk that "
                    f"can be written and locked, with --out"
                ) from None
            raise BusyError(
                f"{self.folder}: in use by {holder or 'another process'}: wait for it or stop it, "
                f"or name another folder with --out"
            ) from None
        self._descriptor = descriptor
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _describe_process() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {platform.node()} since {since} ({command_line()[:300]})"
