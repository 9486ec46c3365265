"""Texts as compact arrays: a small code for each character."""

from array import array

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

    def __init__(self) -> None:
        self._points: list[int] = []  # code points by code
        self._table = np.full(0x110000, -1, np.int32)  # codes by code point
        self._codes = array("B")

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
        if width != self._codes.typecode:
            narrow, self._codes = np.asarray(self._codes), array(width)
            for start in range(0, len(narrow), PART):
                self._codes.frombytes(narrow[start : start + PART].astype(width).tobytes())
        self._codes.frombytes(codes.astype(width).tobytes())

    def finish(self) -> tuple[str, Codes]:
        """Return the characters in sorted order, and the text as their indices."""
        codes: Codes = np.asarray(self._codes)
        ranks = np.empty(len(self._points), codes.dtype)
        ranks[np.argsort(self._points)] = np.arange(len(self._points))
        for start in range(0, len(codes), PART):
            part = codes[start : start + PART]
            part[:] = ranks[part]
        return "".join(map(chr, sorted(self._points))), codes


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the Unicode code point of each character."""
    # surrogatepass: a lone surrogate is a code point like another, not an exception.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
