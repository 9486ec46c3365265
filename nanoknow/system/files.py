"""Writing files so that they are there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file by a temporary one beside it, synced and renamed.

    Args:
        path: of the file.
        content: its bytes, or pieces of them, each written before the next is made.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """See that a file can be written, and make its folder, before the work that it is to hold.

    Raises:
        OSError: it cannot; what was there stays.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    trial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        trial.touch()
    finally:
        trial.unlink(missing_ok=True)
