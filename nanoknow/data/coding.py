"""Texts as compact arrays: a small code for each character."""

import os
from array import array
from typing import IO

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.int16] | npt.NDArray[np.int32]
WIDTHS = {"B": 2**8, "h": 2**15, "i": 2**31}
"""Type codes of arrays, and how many different codes they hold; signed beyond a byte, as torch
prefers. The narrowest that fits all codes is used."""
PART = 1 << 20
"""Characters processed at a time, so that temporary arrays stay small."""


class Coder:
    """Numbers characters in the order of their appearance, in one array that grows in place."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        """Begin an empty text.

        Args:
            file: empty, to read and write, that codes are kept in; None for memory.
        """
        self._points: list[int] = []  # code points by code
        self._table = np.full(0x110000, -1, np.int32)  # codes by code point
        self._codes = _InMemory() if file is None else _InFile(file)

    def add(self, text: str) -> None:
        """Append some text."""
        points = code_points(text)
        codes = self._table[points]
        new = np.unique(points[codes < 0])
        if len(new):
            self._table[new] = len(self._points) + np.arange(len(new))
            self._points += new.tolist()
            codes = self._table[points]
        width = next(w for w, n in WIDTHS.items() if len(self._points) <= n)
        if width != self._codes.width:
            self._codes.widen(width)
        self._codes.append(codes.astype(width).tobytes())

    def finish(self) -> tuple[str, Codes]:
        """Return the characters in sorted order, and the text as their indices."""
        codes = self._codes.all()
        ranks = np.empty(len(self._points), codes.dtype)
        ranks[np.argsort(self._points)] = np.arange(len(self._points))
        for start in range(0, len(codes), PART):
            part = codes[start : start + PART]
            part[:] = ranks[part]
        return "".join(map(chr, sorted(self._points))), codes


class _InMemory:
    def __init__(self) -> None:
        self._array = array("B")

    @property
    def width(self) -> str:
        return self._array.typecode

    def append(self, codes: bytes) -> None:
        self._array.frombytes(codes)

    def widen(self, width: str) -> None:
        narrow, self._array = self.all(), array(width)
        for start in range(0, len(narrow), PART):
            self.append(narrow[start : start + PART].astype(width).tobytes())

    def all(self) -> Codes:
        return np.asarray(self._array)


class _InFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.width, self._n = file, "B", 0

    def append(self, codes: bytes) -> None:
        self._file.write(codes)
        self._n += len(codes) // np.dtype(self.width).itemsize

    def widen(self, width: str) -> None:
        """Convert in place, from the end: what is written is behind what is still to be read."""
        self._file.truncate(self._n * np.dtype(width).itemsize)
        narrow, self.width = self.all(), width
        wide = self.all()
        for start in reversed(range(0, self._n, PART)):
            wide[start : start + PART] = narrow[start : start + PART].astype(width)
        self._file.seek(0, os.SEEK_END)

    def all(self) -> Codes:
        self._file.flush()
        if not self._n:
            return np.empty(0, self.width)
        return np.memmap(self._file, self.width, "r+", shape=(self._n,))


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the Unicode code point of each character."""
    # surrogatepass: a lone surrogate is a code point like another, not an exception.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
