"""Reading text files in one pass, chunk by chunk, and rejecting what would be misread."""

import codecs
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from nanoknow.errors import DataError

CHUNK = 1 << 20
"""Bytes read at a time."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def file_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder: name a file in it") from None
    except FileNotFoundError:
        advice = "check the name, or say where it is with --corpus, --questions or --eval"
        raise DataError(f"{path}: no such file: {advice}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: make it readable, or name another") from None
    except ValueError:  # a NUL in the name
        raise DataError(f"{str(path)!r}: no name of a file: check it") from None


def decoded(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Decode strict UTF-8 without its byte order mark, line ends as line feeds.

    Args:
        chunks: a file's bytes, cut anywhere.
        name: of the file, for errors.

    Raises:
        DataError: file:line, what is wrong, what to do; only after the last chunk, perhaps.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, nul_line, head, held = 1, 0, b"", ""
    at_start = empty = True
    for chunk in itertools.chain(chunks, [None]):
        is_last = chunk is None
        if len(head) < len(LFS_POINTER):
            head += chunk or b""
            if head.startswith(LFS_POINTER):
                raise DataError(f"{name}:1: a Git LFS pointer, not the data: run 'git lfs pull'")
        try:
            text = held + decoder.decode(chunk or b"", is_last)
        except UnicodeDecodeError as error:
            # ``error.object`` is the chunk after the rest of the one before: no line end.
            line = lines + error.object.count(b"\n", 0, error.start)
            byte = error.object[error.start]
            what = f"byte 0x{byte:02x} is not UTF-8"
            raise DataError(f"{name}:{line}: {what}: save the file as UTF-8") from None
        if not nul_line and "\0" in text:
            nul_line = lines + text.count("\n", 0, text.index("\0"))
        # A carriage return at the end may be half a line end.
        held = "\r" if text.endswith("\r") and not is_last else ""
        text = text.removesuffix(held).replace("\r\n", "\n")
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        if text:
            empty = False
            lines += text.count("\n")
            yield text
    if nul_line:
        raise DataError(f"{name}:{nul_line}: a NUL character: is this a text file?")
    if empty:
        raise DataError(f"{name}: an empty file: was it written completely?")
