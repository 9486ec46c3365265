"""Reading text files in one pass, in pieces, and refusing what would be misread."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from nanoknow.errors import DataError

PIECE = 1 << 20
"""Bytes read at a time."""
BOM = codecs.BOM_UTF8
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def file_pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder: name a file in it") from None
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: make it readable, or name another") from None
    except ValueError:  # a NUL in the name
        raise DataError(f"{str(path)!r}: no name of a file: check it") from None


def decoded(pieces: Iterable[bytes], name: str) -> Iterator[str]:
    """Decode strict UTF-8 without its byte order mark, line ends as line feeds.

    Args:
        pieces: a file's bytes, cut anywhere.
        name: of the file, for errors.

    Raises:
        DataError: file:line, what is wrong, what to do; the last pieces may be out by then.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, nul_line, held, empty = 1, 0, "", True
    for piece, is_last in _with_last(_without_mark(pieces, name)):
        try:
            text = held + decoder.decode(piece, is_last)
        except UnicodeDecodeError as error:
            # ``error.object`` is the piece after what was left of the one before: no line end.
            line = lines + error.object.count(b"\n", 0, error.start)
            byte = error.object[error.start]
            raise DataError(
                f"{name}:{line}: byte 0x{byte:02x} is not UTF-8: save the file as UTF-8"
            ) from None
        if not nul_line and "\0" in text:
            nul_line = lines + text.count("\n", 0, text.index("\0"))
        # A carriage return at the end may be half a line end.
        held = "\r" if text.endswith("\r") and not is_last else ""
        text = text.removesuffix(held).replace("\r\n", "\n")
        if text:
            empty = False
            lines += text.count("\n")
            yield text
    if nul_line:
        raise DataError(f"{name}:{nul_line}: a NUL character: is this a text file?")
    if empty:
        raise DataError(f"{name}: an empty file: was it written completely?")


def _without_mark(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Look at how a file starts: no Git LFS pointer; a byte order mark is left out."""
    rest, head = iter(pieces), b""
    for piece in rest:
        head += piece
        if len(head) >= len(LFS_POINTER):
            break
    if head.startswith(LFS_POINTER):
        raise DataError(f"{name}:1: a Git LFS pointer, not the data: run 'git lfs pull'")
    yield head.removeprefix(BOM)
    yield from rest


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each piece with whether it is the last."""
    rest = iter(pieces)
    piece = next(rest)
    for following in rest:
        yield piece, False
        piece = following
    yield piece, True
