"""Writing files so that they are there whole or not at all."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from nanoknow.errors import ConfigError


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


def save_result(path: Path, content: bytes, what: str) -> None:
    """Write the file of a result, whole or not at all; its folder is made where it is missing.

    Raises:
        ConfigError: it cannot be written; what was there before stays.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        write_atomically(path, content)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot write {what}: {error.strerror}: name another file"
        ) from None


def require_writable(path: Path, *, is_folder: bool) -> None:
    """Check that a file, or files in a folder, can be written; missing folders are not made.

    Raises:
        OSError: it cannot.
    """
    if path.is_dir() and not is_folder:
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    place = path if is_folder else path.parent
    while not _exists(place):
        place = place.parent
    trial = place / f".{path.name}.{os.getpid()}.tmp"
    try:
        trial.touch()
    finally:
        trial.unlink(missing_ok=True)


def _exists(path: Path) -> bool:
    """Tell whether a path exists; unlike ``Path.exists``, raise what else is wrong with it."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
