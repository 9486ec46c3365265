"""Texts as compact arrays: a small code for each character."""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.int16] | npt.NDArray[np.int32]
Width = np.dtype[np.uint8] | np.dtype[np.int16] | np.dtype[np.int32]
WIDTHS: tuple[Width, ...] = (np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
"""The narrowest that fits all codes is used; signed beyond a byte, as torch prefers."""
PART = 1 << 20
"""Characters processed at a time, so that temporary arrays stay small."""
GROWTH = 1.125
"""Memory allocated when it runs out, as a multiple of what the codes need."""


class Coder:
    """Numbers characters in the order of their appearance, in one array that grows in place."""

    def __init__(self) -> None:
        self._points: list[int] = []  # code points by code
        self._table = np.full(0x110000, -1, np.int32)  # codes by code point
        self._width: Width = WIDTHS[0]
        self._room = np.empty(0, np.uint8)
        self._size = 0

    def add(self, text: str) -> None:
        """Append some text."""
        points = code_points(text)
        codes = self._table[points]
        new = np.unique(points[codes < 0])
        if len(new):
            self._table[new] = len(self._points) + np.arange(len(new))
            self._points += new.tolist()
            codes = self._table[points]
        width = next(w for w in WIDTHS if len(self._points) - 1 <= np.iinfo(w).max)
        if width != self._width:
            self._widen(width)
        end = self._size + len(codes)
        if end * width.itemsize > len(self._room):
            self._resize(int(end * GROWTH))
        self._room.view(width)[self._size : end] = codes
        self._size = end

    def finish(self) -> tuple[str, Codes]:
        """Return the characters in sorted order, and the text as their indices."""
        self._resize(self._size)
        codes: Codes = self._room.view(self._width)
        ranks = np.empty(len(self._points), self._width)
        ranks[np.argsort(self._points)] = np.arange(len(self._points))
        for start in range(0, len(codes), PART):
            part = codes[start : start + PART]
            part[:] = ranks[part]
        return "".join(map(chr, sorted(self._points))), codes

    def _resize(self, size: int) -> None:
        # By the system's realloc, which moves a large array without copying it. No view of the
        # room outlives the methods here.
        self._room.resize(size * self._width.itemsize, refcheck=False)

    def _widen(self, width: Width) -> None:
        narrow, self._width = self._width, width
        self._resize(self._size)
        old, wide = self._room.view(narrow), self._room.view(width)
        # From the end, so that nothing is written over before it is read.
        for start in reversed(range(0, self._size, PART)):
            part = slice(start, min(start + PART, self._size))
            wide[part] = old[part].astype(width)  # a copy: numpy sees no overlap between types


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the Unicode code point of each character."""
    # surrogatepass: a lone surrogate is a code point like another, not an exception.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
