"""Safe access to files: replaced whole or not at all, and never written through a link.

A run folder may come from anybody. So only its regular files are read, as a pipe or a device may
have no end, and only up to a limit.
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
"""Largest record that is read, in bytes: 16 MiB."""
LEFT_OVER, STALE_SECONDS = f".*.{'[0-9a-f]' * 16}.tmp", 24 * 3600.0
"""Pattern of temporary files, and the age in seconds from which on one counts as abandoned."""
LONGEST = 50
"""Characters of a file's name in its temporary file's: up to 200 of the 255 bytes allowed."""
NO_WAIT, NO_LINK = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW"))
"""Flags of POSIX, 0 elsewhere: do not wait for a pipe's writer, and refuse a link."""


def require_regular(path: Path, *, by_link: bool, limit: float = inf) -> None:
    """Refuse a path that exists and is not a regular file.

    Args:
        path: the file, which may be missing.
        by_link: whether a link to a regular file is accepted.
        limit: largest size, in bytes.

    Raises:
        OSError: it is a folder, a pipe, a device or a link, is larger, or cannot be looked at.
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
    """Open a regular file of at most ``limit`` bytes, or a link to one, for reading.

    Raises:
        OSError: it is another kind of file, is larger, or cannot be read.
    """
    require_regular(path, by_link=True, limit=limit)
    if not path.stat().st_size:  # as in /proc, where some files have no end: read as empty
        path = Path(os.devnull)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT))


def read_regular(path: Path, limit: int = RECORD_BYTES) -> bytes:
    """Return the bytes of a regular file; see ``open_regular``."""
    with open_regular(path, limit) as file:
        return file.read(limit)  # not more, even if it grows meanwhile


def append(path: Path, content: bytes) -> None:
    """Append to a regular file, which is created if missing.

    Raises:
        OSError: it is a link or another kind of file, or cannot be written.
    """
    require_regular(path, by_link=False)
    flags = NO_LINK | NO_WAIT
    with open(path, "ab", opener=lambda name, more: os.open(name, flags | more, 0o666)) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a temporary file, to write and read, that replaces ``path`` once it is synced.

    It is in the same folder. A link is replaced, not followed. Temporary files that killed
    processes left in the folder are deleted.

    Raises:
        OSError: it cannot be written, or is a folder, a pipe or a device; the old file stays.
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
        path: the file to write.
        content: its bytes, or pieces of them, each written before the next is asked for.
    """
    with replacing(path) as file:
        file.writelines([content] if isinstance(content, bytes) else content)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the system supports that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_result(path: Path, content: bytes, what: str) -> None:
    """Write a result to a file, whole or not at all; a missing folder is created.

    Raises:
        ConfigError: it cannot be written; what was there before stays.
    """
    with naming(f"{path}: cannot write {what}", "name another file", ConfigError):
        if not path.parent.exists():  # a file in its place: the write names it
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def require_writable(path: Path, *, is_folder: bool) -> None:
    """Check that a file, or files in a folder, can be written, without creating folders.

    Raises:
        OSError: they cannot.
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
    """Refuse to write a file that is also read.

    Args:
        path: the file to write; None if there is none.
        read: the files that are read; objects that are no paths are ignored.
        flag: the option that names the file to write, with a space after it.

    Raises:
        ConfigError: the file to write is one of those that are read.
    """
    files = [each for each in read if isinstance(each, Path) and each.is_file()]
    if path and path.is_file() and any(map(path.samefile, files)):
        raise ConfigError(f"{flag}{path}: is read by this command: name another file")


def _temporary(folder: Path, name: str) -> Path:
    """Return a path that nobody can guess, to be opened in mode ``x``, which follows no link."""
    return folder / f".{name[:LONGEST]}.{secrets.token_hex(8)}.tmp"
