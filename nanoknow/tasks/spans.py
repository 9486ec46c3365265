"""What span corruption hides of each document, and what it keeps of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nanoknow.config import SpanCorruptionConfig
from nanoknow.data.salient import find_salient
from nanoknow.errors import DataError


class Spans(NamedTuple):
    """How examples are cut from their documents; all (B,) int64.

    Attributes:
        first: where the document begins in the text.
        n: characters that are kept of it, the hidden ones included.
        start: of the hidden span among these.
        masked: the span's length.
        head: of these characters so many come from the document's beginning …
        gap: … and so many of the document are left out after that.
    """

    first: Tensor
    n: Tensor
    start: Tensor
    masked: Tensor
    head: Tensor
    gap: Tensor

    @classmethod
    def whole(cls, first: Tensor, n: Tensor, start: Tensor, masked: Tensor) -> Spans:
        """Keep the first n characters."""
        return cls(first, n, start, masked, n, torch.zeros_like(n))


class SalientWords:
    """The names, places and years of some documents, to hide in place of random stretches."""

    def __init__(
        self, documents: Sequence[str], config: SpanCorruptionConfig, max_length: int
    ) -> None:
        """Find them.

        Args:
            documents: by the indices that are drawn from.
            config: says how often to hide such a word, and how often without its context.
            max_length: characters to keep of a document at most.

        Raises:
            DataError: there are none.
        """
        self.config = config
        self.max_length = max_length
        found = (torch.from_numpy(part) for part in find_salient(documents))
        self.starts, self.lengths, self.offsets, self.name_lengths = found
        if not len(self.starts):
            raise DataError(
                "no name, place or year is found in the documents: set pretrain.task.salient_spans "
                "to 0"
            )
        self._longest = max(map(len, documents)) + 1
        document = torch.repeat_interleave(self.offsets.diff())  # (words,)
        # Ascending over all documents, so that one search finds the last word of a stretch.
        self._ends = document * self._longest + self.starts + self.lengths

    def draw(
        self, indices: Tensor, lengths: Tensor, spans: Spans, generator: torch.Generator
    ) -> Spans:
        """Replace some of the spans by salient words, some of these without their context.

        A document with no such word in what is kept of it keeps its random span.

        Args:
            indices: (B,) of the documents.
            lengths: (B,) of the documents.
            spans: drawn at random.
            generator: draws which, and what.
        """
        ones = torch.ones_like(lengths)
        share, dropout = torch.rand(2, len(indices), generator=generator)
        alone = dropout < self.config.context_dropout
        reach = torch.where(alone, lengths, spans.n)
        offsets = self.offsets[indices]
        upto = torch.searchsorted(self._ends, indices * self._longest + reach, right=True)
        count = upto - offsets
        word = (offsets + uniform(count, generator)).clamp(max=len(self.starts) - 1)
        start, masked = self.starts[word], self.lengths[word]
        head = self.name_lengths[indices]
        before, after = (
            uniform(ones * (self.config.context_width + 1), generator) for _ in range(2)
        )
        begin = torch.maximum(head, start - before)
        end = torch.minimum(lengths, start + masked + after)
        n = torch.where(alone, head + end - begin, spans.n)
        gap = torch.where(alone, begin - head, 0)
        cut = Spans(spans.first, n, start - gap, masked, head, gap)
        chosen = (share < self.config.salient_spans) & (count > 0) & (n <= self.max_length)
        return Spans(*(torch.where(chosen, new, old) for new, old in zip(cut, spans, strict=True)))


def uniform(count: Tensor, generator: torch.Generator) -> Tensor:
    """Draw integers from 0 … count − 1, each its own count; 0 where the count is 0."""
    draws = torch.rand(count.shape, generator=generator, dtype=torch.float64)
    return (draws * count).long()
