"""Files, whole or not at all, and by no link: what is written, and what somebody else wrote.

A run folder may have been made by anybody. What it holds is read where it is a regular file, as a
pipe or a device may have no end, and up to a limit.
"""

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from math import inf
from pathlib import Path
from typing import IO

from nanoknow.errors import ConfigError, naming

RECORD_BYTES = 1 << 24
"""The most that is read of a record."""
LEFT_OVER, STALE_SECONDS = f".*.{'[0-9a-f]' * 16}.tmp", 24 * 3600.0
"""Temporary files, and the age at which one was left by a process that was killed."""
LONGEST = 50
"""Characters of a name that are kept in a longer one: 200 bytes of the 255 that it may have."""
NO_WAIT, NO_LINK = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW"))
"""Of POSIX: a pipe that nobody writes to is not waited for, and a link is refused."""


def require_regular(path: Path, *, by_link: bool, limit: float = inf) -> None:
    """Refuse what is there and is no regular file.

    Args:
        path: of the file.
        by_link: whether a link to one will do.
        limit: bytes that it may have.

    Raises:
        OSError: it is a folder, a pipe, a device or a link, has more, or cannot be looked at.
    """
    try:
        found = path.stat(follow_symlinks=by_link)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is a link, a pipe or a device, and no regular file")
    if found.st_size > limit:
        raise OSError(errno.EFBIG, f"over {limit:,} bytes")


def open_regular(path: Path, limit: float = inf) -> BufferedReader:
    """Open a regular file of no more than some bytes, or a link to one, for reading.

    Raises:
        OSError: it is another, which is not opened, or cannot be read.
    """
    require_regular(path, by_link=True, limit=limit)
    if not path.stat().st_size:  # as the system's own, of which some have no end
        path = Path(os.devnull)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT))


def read_regular(path: Path, limit: int = RECORD_BYTES) -> bytes:
    """Return the bytes of such a file; see ``open_regular``."""
    with open_regular(path, limit) as file:
        return file.read(limit)  # no more, should it grow


def append(path: Path, content: bytes) -> None:
    """Write at the end of a regular file, made where it is missing.

    Raises:
        OSError: it is of another kind, a link too, or cannot be written.
    """
    require_regular(path, by_link=False)
    flags = NO_LINK | NO_WAIT
    with open(path, "ab", opener=lambda name, more: os.open(name, flags | more, 0o666)) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file, to write and read, that takes a path's place once it is synced.

    It is a temporary one beside it. A link is replaced, not followed. What processes that were
    killed left in the folder is deleted.

    Raises:
        OSError: it cannot be written, or is a folder, a pipe or a device; what was there stays.
    """
    require_regular(path, by_link=True)
    for left in path.parent.glob(LEFT_OVER):
        with suppress(OSError):  # another user's
            if left.lstat().st_mtime < time.time() - STALE_SECONDS:
                left.unlink()
    temporary = _temporary(path.parent, path.name)
    file = temporary.open("x+b")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all; see ``replacing``.

    Args:
        path: of the file.
        content: its bytes, or pieces of them, each written before the next is made.
    """
    with replacing(path) as file:
        file.writelines([content] if isinstance(content, bytes) else content)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last through a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_result(path: Path, content: bytes, what: str) -> None:
    """Write the file of a result, whole or not at all; its folder is made where it is missing.

    Raises:
        ConfigError: it cannot be written; what was there before stays.
    """
    with naming(f"{path}: cannot write {what}", "name another file", ConfigError):
        if not path.parent.exists():  # a file in its place is named by the writing
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def require_writable(path: Path, *, is_folder: bool) -> None:
    """Check that a file, or files in a folder, can be written; missing folders are not made.

    Raises:
        OSError: it cannot.
    """
    if not is_folder:
        require_regular(path, by_link=True)
    for place in (path, *path.parents) if is_folder else path.parents:
        trial = _temporary(place, path.name)
        with suppress(FileNotFoundError):
            trial.open("xb").close()
            trial.unlink()
            return
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def require_unread(path: Path | None, read: Iterable[object], flag: str = "") -> None:
    """Refuse a file to write, where one is named, that is among those that are read.

    Args:
        path: of the file.
        read: paths, among whatever else a command or a config holds.
        flag: that names it.

    Raises:
        ConfigError: it is.
    """
    files = [each for each in read if isinstance(each, Path) and each.is_file()]
    if path and path.is_file() and any(map(path.samefile, files)):
        raise ConfigError(f"{flag}{path}: is read by this command: name another file")


def _temporary(folder: Path, name: str) -> Path:
    """Return a path that nobody knows before, to be opened with ``x``, which follows no link."""
    return folder / f".{name[:LONGEST]}.{secrets.token_hex(8)}.tmp"
