"""Texts as compact arrays: a small code for each character."""

import io
import os
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.int16] | npt.NDArray[np.int32]
WIDTHS = {"B": 2**8, "h": 2**15, "i": 2**31}
"""Type codes of arrays, and how many different codes they hold; signed beyond a byte, as torch
prefers. The narrowest that fits all codes is used."""
PART = 1 << 20
"""Characters processed at a time, so that temporary arrays stay small."""


class Coder:
    """Gives each new character the next code, and keeps a text's codes in one growing file."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        """Begin an empty text.

        Args:
            file: an empty file, open to read and write, for the codes; None: keep them in memory.
        """
        self._points: list[int] = []  # code points by code
        self._table = np.full(0x110000, -1, np.int32)  # codes by code point
        self._file, self._n = file or io.BytesIO(), 0
        self._width = np.dtype("B")

    def add(self, text: str) -> None:
        """Append some text."""
        for start in range(0, len(text), PART):
            points = code_points(text[start : start + PART])
            new = np.unique(points[self._table[points] < 0])
            self._table[new] = len(self._points) + np.arange(len(new))
            self._points += new.tolist()
            width = np.dtype(next(w for w, n in WIDTHS.items() if len(self._points) <= n))
            if width != self._width:
                self._widen(width)
            self._file.write(self._table[points].astype(width).tobytes())
            self._n += len(points)

    def finish(self) -> tuple[str, Codes]:
        """Return the different characters, sorted, and the text as indices into them."""
        codes = self._mapped()
        ranks = np.empty(len(self._points), codes.dtype)
        ranks[np.argsort(self._points)] = np.arange(len(self._points))
        for start in range(0, len(codes), PART):
            part = codes[start : start + PART]
            part[:] = ranks[part]
        return "".join(map(chr, sorted(self._points))), codes

    def _widen(self, width: np.dtype[Any]) -> None:
        """Widen the codes in place, from the end, so that none is overwritten before it is read."""
        for start in reversed(range(0, self._n, PART)):
            self._file.seek(start * self._width.itemsize)
            narrow = np.frombuffer(self._file.read(PART * self._width.itemsize), self._width)
            self._file.seek(start * width.itemsize)
            self._file.write(narrow.astype(width).tobytes())
        self._file.seek(0, os.SEEK_END)
        self._width = width

    def _mapped(self) -> Codes:
        if not self._n:
            return np.empty(0, self._width)
        if isinstance(self._file, io.BytesIO):
            self._file.getvalue()  # trims the spare capacity
            return np.frombuffer(self._file.getbuffer(), self._width)
        self._file.flush()
        return np.memmap(self._file, self._width, "r+", shape=(self._n,))


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the Unicode code point of each character."""
    # surrogatepass: a lone surrogate is a code point like another, not an exception.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
