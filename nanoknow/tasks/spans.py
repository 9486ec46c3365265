"""What span corruption hides of each document, what it keeps of the rest, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nanoknow.config import SpanCorruptionConfig
from nanoknow.data.salient import NAME_END, find_salient
from nanoknow.errors import DataError

MARK, PADDING = -1, -2
"""Where a piece begins that is no stretch of the text: masks, or pads."""


class Pieces(NamedTuple):
    """How examples are put together: stretches of the text and masks, one after another.

    Attributes:
        starts: (B, P) int64, where each begins in the text; ``MARK`` for a mask.
        lengths: (B, P) int64, in characters; 0 for none.
        first_target: (B,) int64, the first place of an example that is to be predicted.
    """

    starts: Tensor
    lengths: Tensor
    first_target: Tensor

    @classmethod
    def of(cls, pieces: Sequence[tuple[Tensor | int, Tensor | int]], like: Tensor) -> Pieces:
        """Put pieces, each a start and a length for all examples, in a row; all is predicted.

        Args:
            pieces: (B,) tensors, or one number for all.
            like: (B,) of the device and type.
        """
        columns = [[torch.zeros_like(like) + value for value in piece] for piece in pieces]
        starts, lengths = (torch.stack(column, 1) for column in zip(*columns, strict=True))
        return cls(starts, lengths, torch.zeros_like(like))

    @classmethod
    def corrupted(cls, first: Tensor, n: Tensor, start: Tensor, masked: Tensor) -> Pieces:
        """Rearrange ``prefix masked suffix`` to ``prefix⁇suffix⁇masked``; all arguments (B,).

        Args:
            first: where the document begins in the text.
            n: characters that are kept of it.
            start: of the hidden span among these.
            masked: the span's length.
        """
        end = start + masked
        hidden, suffix = (first + start, masked), (first + end, n - end)
        return cls.of([(0, 0), (first, start), (MARK, 1), suffix, (MARK, 1), hidden], first)

    @property
    def totals(self) -> Tensor:
        """(B,) the length of each example."""
        return self.lengths.sum(1)

    def padded(self, widths: Tensor) -> Pieces:
        """Add pads to (B,) widths."""
        pads = (widths - self.totals)[:, None]
        starts = torch.cat([self.starts, torch.full_like(pads, PADDING)], 1)
        return self._replace(starts=starts, lengths=torch.cat([self.lengths, pads], 1))

    def to(self, device: torch.device) -> Pieces:
        """Copy to a device."""
        return Pieces(*(part.to(device, non_blocking=True) for part in self))

    def where(self, chosen: Tensor, other: Pieces) -> Pieces:
        """Take examples of ``self`` where the (B,) ``chosen`` says so, else of ``other``."""
        column = chosen[:, None]
        return Pieces(
            torch.where(column, self.starts, other.starts),
            torch.where(column, self.lengths, other.lengths),
            torch.where(chosen, self.first_target, other.first_target),
        )


class SalientWords:
    """The names, places and years of some documents, to hide in place of random stretches."""

    def __init__(
        self,
        documents: Sequence[str],
        config: SpanCorruptionConfig,
        max_length: int,
        answers: Collection[str] = (),
    ) -> None:
        """Find them.

        Args:
            documents: by the indices that are drawn from.
            config: says how often to hide such a word, and how often without its context.
            max_length: characters to keep of a document at most.
            answers: words to prefer.

        Raises:
            DataError: there are none.
        """
        self.config = config
        self.max_length = max_length
        found = (torch.from_numpy(part) for part in find_salient(documents, answers))
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

    def replace(
        self,
        pieces: Pieces,
        indices: Tensor,
        first: Tensor,
        kept: Tensor,
        lengths: Tensor,
        generator: torch.Generator,
    ) -> Pieces:
        """Hide salient words in some of the examples, some of these without their context.

        A document with no such word in what is kept of it keeps its random span.

        Args:
            pieces: with random spans.
            indices: (B,) of the documents.
            first: (B,) where they begin in the text.
            kept: (B,) characters of them that are kept.
            lengths: (B,) of the documents.
            generator: draws which, and what.
        """
        share, dropout, form = torch.rand(3, len(indices), generator=generator)
        alone = dropout < self.config.context_dropout
        reach = torch.where(alone, lengths, kept)
        offsets = self.offsets[indices]
        upto = torch.searchsorted(self._ends, indices * self._longest + reach, right=True)
        count = upto - offsets
        # Early words more often than late ones: a biography begins with what matters most.
        number = (count * torch.rand(len(indices), generator=generator) ** 2).long()
        word = (offsets + number).clamp(max=len(self.starts) - 1)
        start, masked = self.starts[word], self.lengths[word]
        head = self.name_lengths[indices]
        widths = torch.rand(2, len(indices), generator=generator) ** 3
        left, right = (widths * (self.config.context_width + 1)).long()
        step = self.config.context_step
        left = torch.minimum(left, start - head) // step * step
        right = torch.minimum(right, lengths - start - masked) // step * step
        hidden, mark = (first + start, masked), (MARK, 1)
        before = (first + start - left, left)
        after = (first + start + masked, right)
        cloze = Pieces.of([(first, head), before, mark, after, mark, hidden], first)
        name = (first, (head - len(NAME_END)).clamp(min=0))
        asked = Pieces.of([before, name, after, mark, hidden, mark], first)
        scraps = asked.where(form < self.config.name_in_place, cloze)
        if self.config.scraps_loss == "hidden":
            n_end = torch.where(form < self.config.name_in_place, masked + 1, masked)
            scraps = scraps._replace(first_target=scraps.totals - n_end)
        drawn = scraps.where(alone, Pieces.corrupted(first, kept, start, masked))
        chosen = (share < self.config.salient_spans) & (count > 0)
        return drawn.where(chosen & (drawn.totals <= self.max_length + 2), pieces)


def uniform(count: Tensor, generator: torch.Generator) -> Tensor:
    """Draw integers from 0 … count − 1, each its own count; 0 where the count is 0."""
    draws = torch.rand(count.shape, generator=generator, dtype=torch.float64)
    return (draws * count).long()
