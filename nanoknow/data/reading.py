"""Reading text files in one pass, chunk by chunk, and rejecting what would be misread."""

import codecs
import itertools
from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path

from nanoknow.errors import DataError

CHUNK = 1 << 20
"""Bytes read at a time."""
PIPE_BYTES = 1 << 30
"""The most that is read of what is no regular file, as it may have no end."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
NO_FILE = "is a pipe or a device, and a run's text is a regular file"
"""Last part of a path that nothing opens, as it goes through what is no folder."""


def file_chunks(path: Path, limit: float = inf) -> Iterator[bytes]:
    """Yield the bytes of a file that a user names, of any kind.

    Args:
        path: of the file.
        limit: bytes that it may have; of a pipe or a device, no more than ``PIPE_BYTES``.

    Raises:
        DataError: it cannot be read, or has more.
    """
    try:
        limit, done = limit if path.is_file() else min(limit, PIPE_BYTES), 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                if (done := done + len(chunk)) > limit:
                    raise DataError(f"{path}: over {limit:,} bytes: name a file of less")
                yield chunk
        if not done and path.is_fifo():
            raise DataError(f"{path}: nothing is left in this pipe: save it as a file")
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder: name a file in it") from None
    except FileNotFoundError:
        advice = "check the name, or say where it is with --corpus, --questions or --eval"
        raise DataError(f"{path}: no such file: {advice}") from None
    except OSError as error:
        where, why = (path.parent, NO_FILE) if path.name == NO_FILE else (path, error.strerror)
        raise DataError(f"{where}: {why}: make it readable, or name another") from None
    except ValueError:  # a NUL in the name
        raise DataError(f"{str(path)!r}: no name of a file: check it") from None


def decoded(
    chunks: Iterable[bytes], name: str, seen: Callable[[bytes], object] | None = None
) -> Iterator[str]:
    """Decode strict UTF-8 without its byte order mark, line ends as line feeds.

    Nothing is read after the first byte that is wrong.

    Args:
        chunks: a file's bytes, cut anywhere.
        name: of the file, for errors.
        seen: is called with the bytes as they are read.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, head, held = 1, b"", ""
    at_start = empty = True
    for chunk in itertools.chain(chunks, [None]):
        is_last = chunk is None
        if seen and chunk:
            seen(chunk)
        chunk, nul, _ = (chunk or b"").partition(b"\0")
        if len(head) < len(LFS_POINTER):
            head += chunk
            if head.startswith(LFS_POINTER):
                raise DataError(f"{name}:1: a Git LFS pointer, not the data: run 'git lfs pull'")
        try:
            text = held + decoder.decode(chunk, is_last or bool(nul))
        except UnicodeDecodeError as error:
            # ``error.object`` is the chunk after the rest of the one before: no line end.
            line = lines + error.object.count(b"\n", 0, error.start)
            byte = error.object[error.start]
            what = f"byte 0x{byte:02x} is not UTF-8"
            raise DataError(f"{name}:{line}: {what}: save the file as UTF-8") from None
        if nul:
            line = lines + text.count("\n")
            raise DataError(f"{name}:{line}: a NUL character: is this a text file?")
        # A carriage return at the end may be half a line end.
        held = "\r" if text.endswith("\r") and not is_last else ""
        text = text.removesuffix(held).replace("\r\n", "\n")
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        if text:
            empty = False
            lines += text.count("\n")
            yield text
    if empty:
        raise DataError(f"{name}: an empty file: was it written completely?")
