"""Which stretches of a text are word for word in a corpus: is it writing, or reciting?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # the command's help names MIN_COPIED, and needs no numpy
    from nanoknow.data.corpus import Corpus

MIN_COPIED = 25
"""Of the last tenth of Shakespeare, 0.2 % is in stretches of this length that the other nine tenths
hold, and 15 % in stretches of 15: below this, a model that writes well copies a little too."""


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
        """The text cut into segments that are copied or not, with nothing left out, none empty.

        Where stretches overlap, the later begins at the end of the earlier.
        """
        found, at = [], 0
        for stretch in self.stretches:
            start = max(at, stretch.start)
            found += [(self.text[at:start], False), (self.text[start : stretch.end], True)]
            at = stretch.end
        return [segment for segment in (*found, (self.text[at:], False)) if segment[0]]

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
    """Find the longest stretches of a text that are in a corpus, in their order.

    They may overlap, where the end of one is the beginning of another; none lies in another.

    Args:
        text: what was written; the context that it was given is not part of it.
        corpus: the training text.
        min_length: characters that a stretch must have, 1 or more.
    """
    whole, begins = corpus.text, range(len(text) - min_length + 1)
    # Where the corpus holds each window of the text.
    starts: dict[str, list[int]] = {text[i : i + min_length]: [] for i in begins}
    for i in range(len(whole) - min_length + 1):
        window = whole[i : i + min_length]
        if window in starts:
            starts[window].append(i)
    found: list[tuple[int, int, int]] = []
    end = 0
    for begin in begins:
        # A stretch that ends no later than the last one lies in it.
        longest, first = max(end, begin + min_length - 1), None
        for at in starts[text[begin : begin + min_length]]:
            while longest < len(text) and whole.startswith(text[begin : longest + 1], at):
                longest, first = longest + 1, at
        if first is not None:
            end = longest
            found.append((begin, end, first))
    lines = corpus.lines_at([first for _, _, first in found])
    stretches = [Copied(*each, line) for each, line in zip(found, lines, strict=True)]
    return CopiedText(text, corpus.name, min_length, stretches)
