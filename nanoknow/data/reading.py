"""Reads text files in one pass, chunk by chunk, and rejects what would be misread."""

import codecs
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path

from nanoknow.errors import DataError

CHUNK = 1 << 20
"""Bytes read at a time."""
PIPE_BYTES = 1 << 30
"""Most bytes that are read from a pipe or a device, which may have no end."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
OTHER_FORMATS = {
    LFS_POINTER: "a Git LFS pointer, not the data: run 'git lfs pull'",
    b"\x1f\x8b": "packed by gzip: unpack it with 'gunzip'",
    b"PK\x03\x04": "a zip archive, as .xlsx and .ods are: save the sheet as CSV in UTF-8",
    b"\xd0\xcf": "an Office file, as .xls is: save the sheet as CSV in UTF-8",
    b"%PDF-": "a PDF: save its text",
    b"{\\rtf": "formatted text (RTF): save it as plain text in UTF-8",
    b"<!DOCTYPE": "a web page: save its text, or its table as CSV",
}
"""First bytes of files often given in place of a text, what they are, and what to do."""
NO_FILE = "is empty, a pipe or a device, and a run's text is a regular file"
"""Appended to a refused file's path: the path then cannot be opened, and the error says this."""


def file_chunks(path: Path, limit: float = inf) -> Iterator[bytes]:
    """Yield the bytes of a file that a user names, which may be a pipe or a device.

    Args:
        path: the file to read.
        limit: most bytes; for a pipe or a device, no more than ``PIPE_BYTES``.

    Raises:
        DataError: it cannot be read, or has more bytes.
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


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC), where é is one character, not two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def decoded(
    chunks: Iterable[bytes], name: str, seen: Callable[[bytes], object] | None = None
) -> Iterator[str]:
    """Yield strictly decoded UTF-8, ``composed``, with line feeds for all line ends.

    A byte order mark is removed. No chunk is read after the first invalid byte.

    Args:
        chunks: a file's bytes, cut anywhere.
        name: the file's name, for errors.
        seen: is called with each chunk as it is read.

    Raises:
        DataError: file:line, what is wrong, what to do.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, head, parts = 1, b"", list[str]()
    for chunk in itertools.chain(chunks, [None]):
        is_last = chunk is None
        if seen and chunk:
            seen(chunk)
        chunk, nul, _ = (chunk or b"").partition(b"\0")
        if len(head) < len(LFS_POINTER):
            head += chunk
            for start, what in OTHER_FORMATS.items():
                if head.startswith(start):
                    raise DataError(f"{name}:1: {what}")
        try:
            text = decoder.decode(chunk, is_last or bool(nul))
        except UnicodeDecodeError as error:
            # ``error.object`` is the chunk, after bytes of the one before that hold no line end.
            line = lines + error.object.count(b"\n", 0, error.start)
            what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise DataError(f"{name}:{line}: {what}: save the file as UTF-8") from None
        if nul:
            line = lines + text.count("\n")
            raise DataError(f"{name}:{line}: a NUL character: is this a text file?")
        # Whole lines: composing joins nothing across a line end, and CR LF is not cut in two.
        end = len(text) if is_last else text.rfind("\n") + 1
        parts.append(text[:end])
        if end or is_last:
            whole = "".join(parts)
            parts.clear()
            if lines == 1:
                whole = whole.removeprefix("\ufeff")
            lines += text.count("\n")
            if whole:  # without any line feed, lines end in CR, as on old Macs
                yield composed(whole.replace("\r\n" if lines > 1 else "\r", "\n"))
            elif lines == 1:
                raise DataError(f"{name}: an empty file: was it written completely?")
        parts.append(text[end:])
