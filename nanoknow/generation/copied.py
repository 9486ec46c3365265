"""Which stretches of a text are word for word in a corpus: is it writing, or reciting?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # the command's help imports MIN_COPIED, and must not load numpy
    from nanoknow.data.corpus import Corpus

MIN_COPIED = 25
"""Characters that a stretch needs by default. Of the last tenth of Shakespeare, 0.2 % lies in
stretches of this length that occur in the other nine tenths, but 15 % in stretches of 15: a shorter
limit would mark what a model that writes well shares with its text by chance."""


@dataclass(frozen=True)
class Copied:
    """A stretch of a text that occurs in a corpus, and could not be extended at either end.

    Attributes:
        start: its first character in the text.
        end: one past its last.
        corpus_start: the first character of its first occurrence in the corpus.
        line: the line of the corpus that ``corpus_start`` is in, from 1.
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
        stretches: in the order of the text; they may overlap.
    """

    text: str
    corpus: str
    min_length: int
    stretches: list[Copied]
    JSON: ClassVar[tuple[str, ...]] = ("corpus", "min_length", "characters", "share", "stretches")

    @property
    def segments(self) -> list[tuple[str, bool]]:
        """The whole text as consecutive segments, none empty, each with whether it is copied.

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
        """Share of the text's characters that lie in any stretch, from 0 to 1."""
        return self.characters / len(self.text)

    @property
    def longest(self) -> Copied | None:
        """The longest stretch, the first among equals."""
        return max(self.stretches, key=lambda s: s.end - s.start, default=None)


def mark_copied(text: str, corpus: Corpus, min_length: int) -> CopiedText:
    """Find the stretches of a text that occur in a corpus, each as long as possible, in order.

    Two may overlap, but none lies within another.

    Args:
        text: what was written; the context that it was given is not part of it.
        corpus: the training text.
        min_length: characters that a stretch must have, 1 or more.
    """
    whole, begins = corpus.text, range(len(text) - min_length + 1)
    # At which characters of the corpus each window of the text occurs.
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
