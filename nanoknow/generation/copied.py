"""Which stretches of a text are word for word in a corpus: is it writing, or reciting?

A text is short and a corpus long, so the corpus is read once: a rolling hash (Karp & Rabin, 1987)
of each window of the least length shows where one of the text's own windows may be, and only
these regions, each different one once, are compared with the text itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nanoknow.data.coding import PART, code_points
from nanoknow.data.corpus import Corpus

Hashes = npt.NDArray[np.uint64]

BASE = 0x9E3779B97F4A7C15
"""Odd, so that no power of it is 0 modulo 2⁶⁴."""
FILTER_BITS = 18
"""Of a hash that is compared first: all but one window in a hundred differ in them."""
GAP = "\0"
"""Between stretches of the corpus; a file that holds it is no text."""


@dataclass(frozen=True)
class Copied:
    """A stretch of a text that is in a corpus, and cannot be longer at either end.

    Attributes:
        start: its first character in the text.
        end: one past its last.
        corpus_start: where it is in the corpus first.
        line: the line of the corpus that this is in, from 1.
    """

    start: int
    end: int
    corpus_start: int
    line: int


@dataclass(frozen=True)
class CopiedText:
    """How much of a text is word for word in a training text.

    Attributes:
        text: what was written, without its context; 1 or more characters.
        corpus: the training text's name.
        min_length: characters that a stretch needs to count.
        stretches: in their order; they may overlap.
    """

    text: str
    corpus: str
    min_length: int
    stretches: list[Copied]
    JSON: ClassVar[tuple[str, ...]] = ("corpus", "min_length", "characters", "share", "stretches")

    @property
    def segments(self) -> list[tuple[str, bool]]:
        """The text cut into segments that are copied or not."""
        return list(cut(self.text, self.stretches))

    @property
    def characters(self) -> int:
        """Characters in any stretch."""
        return sum(len(segment) for segment, is_copied in self.segments if is_copied)

    @property
    def share(self) -> float:
        """Of the text's characters, those in any stretch."""
        return self.characters / len(self.text)

    @property
    def longest(self) -> Copied | None:
        """The longest stretch, the first among equals."""
        return max(self.stretches, key=lambda s: s.end - s.start, default=None)


def mark_copied(text: str, corpus: Corpus, min_length: int) -> CopiedText:
    """Find what a text recites (see ``find_copied``)."""
    return CopiedText(text, corpus.name, min_length, find_copied(text, corpus, min_length))


def find_copied(text: str, corpus: Corpus, min_length: int) -> list[Copied]:
    """Find the longest stretches of a text that are in a corpus, in their order.

    They may overlap, where the end of one is the beginning of another; none lies in another.

    Args:
        text: what was written; the context that it was given is not part of it.
        corpus: the training text.
        min_length: characters that a stretch must have, 1 or more.
    """
    regions = _shared_regions(text, corpus, min_length)
    shelf = GAP.join(regions)
    starts = np.cumsum([0, *(len(region) + 1 for region in regions)])
    places = list(regions.values())
    found: list[tuple[int, int, int]] = []
    end = 0
    for start in range(len(text) - min_length + 1):
        # What is left of the last stretch is here too: it can only end later.
        known = max(end, start + min_length)
        at = shelf.find(text[start:known])
        if at < 0:
            continue
        here = at
        while at >= 0:
            here = at
            while known < len(text) and shelf.startswith(text[known], here + known - start):
                known += 1
            at = shelf.find(text[start : known + 1], here + 1) if known < len(text) else -1
        if known > end:
            region = int(np.searchsorted(starts, here, "right")) - 1
            found.append((start, known, places[region] + here - int(starts[region])))
            end = known
    lines = corpus.lines_at([place for _, _, place in found])
    return [
        Copied(start, stop, place, line)
        for (start, stop, place), line in zip(found, lines, strict=True)
    ]


def cut(text: str, copied: Sequence[Copied]) -> Iterator[tuple[str, bool]]:
    """Cut a text into segments that are copied or not, with nothing left out and none empty.

    Where stretches overlap, the later begins at the end of the earlier.
    """
    at = 0
    for stretch in copied:
        start = max(at, stretch.start)
        if at < start:
            yield text[at:start], False
        yield text[start : stretch.end], True
        at = stretch.end
    if at < len(text):
        yield text[at:], False


def _shared_regions(text: str, corpus: Corpus, width: int) -> dict[str, int]:
    """Return where each stretch of the corpus is first whose windows may be the text's too.

    Each is as long as one window follows another. A hash that two windows share puts in one that
    is not the text's: harmless, as the regions are compared with the text.
    """
    codes, points = corpus.codes, code_points(corpus.characters)
    table = points.astype(np.uint64) + np.uint64(1)
    own = np.unique(_window_hashes(code_points(text).astype(np.uint64) + np.uint64(1), width))
    shift = np.uint64(64 - FILTER_BITS)
    passes = np.zeros(1 << FILTER_BITS, bool)
    passes[own >> shift] = True
    regions: dict[str, int] = {}
    first = last = -1  # windows of the region that is under way

    def keep(begin: int, end: int) -> None:
        if begin >= 0:
            regions.setdefault(points[codes[begin:end]].tobytes().decode("utf-32-le"), begin)

    for start in range(0, max(0, len(codes) - width + 1), PART):
        hashes = _window_hashes(table[codes[start : start + PART + width - 1]], width)
        maybe = np.flatnonzero(passes[hashes >> shift])
        hits = maybe[np.isin(hashes[maybe], own)] + start
        if not len(hits):
            continue
        breaks = np.flatnonzero(np.diff(hits) > 1)
        begins = hits[np.append(0, breaks + 1)].tolist()
        ends = hits[np.append(breaks, -1)].tolist()
        for begin, end in zip(begins, ends, strict=True):
            if last + 1 == begin and last >= 0:
                last = end
                continue
            keep(first, last + width)
            first, last = begin, end
    keep(first, last + width)
    return regions


def _window_hashes(values: Hashes, width: int) -> Hashes:
    """Return the hash of each window of ``width`` values: Σ valueᵢ·BASEʷ⁻¹⁻ⁱ modulo 2⁶⁴, mixed."""
    n = len(values) - width + 1
    if n < 1:
        return np.empty(0, np.uint64)
    total = np.zeros(n, np.uint64)
    power, length, at = values, 1, 0  # hashes of windows of `length`, a power of two
    while width >> (length.bit_length() - 1):
        if width & length:
            total = total * np.uint64(pow(BASE, length, 1 << 64)) + power[at : at + n]
            at += length
        if width >> length.bit_length():
            power = power[:-length] * np.uint64(pow(BASE, length, 1 << 64)) + power[length:]
        length *= 2
    return total * np.uint64(BASE)  # its top bits are the best mixed
