"""In which order the clauses of a document are read.

A fact that is met in one order only is found from one side only (Allen-Zhu & Li, 2024, Physics of
Language Models 3.1: permuted biographies are the better learned).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nanoknow.facts.salient import NAME_END, subject
from nanoknow.tasks.pieces import MARK, Pieces

END = re.compile(r"(?<=[,;.!?]) ")
"""A clause takes the space in front of it along, so that any order has its spaces in place."""
FAR = 2**40
"""A place that no document reaches."""


class ReadingOrder(NamedTuple):
    """Documents as their clauses follow each other; places count characters in that order.

    Attributes:
        first: (B,) int64, where each document begins in the text.
        starts: (B, K) int64, where each clause begins in its document.
        lengths: (B, K) int64, in characters; 0 for none.
    """

    first: Tensor
    starts: Tensor
    lengths: Tensor

    @classmethod
    def as_written(cls, first: Tensor, lengths: Tensor) -> ReadingOrder:
        """Read documents, by their (B,) beginnings and lengths, from first to last character."""
        return cls(first, torch.zeros_like(first)[:, None], lengths[:, None])

    @property
    def places(self) -> Tensor:
        """(B, K) where each clause begins in this order."""
        return self.lengths.cumsum(1) - self.lengths

    def stretch(self, begin: Tensor, end: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the pieces of the text, K starts and lengths, between two (B,) places."""
        places = self.places
        low = torch.maximum(places, begin[:, None])
        high = torch.minimum(places + self.lengths, end[:, None])
        starts = self.first[:, None] + self.starts + low - places
        lengths = (high - low).clamp(min=0)
        return list(zip(starts.unbind(1), lengths.unbind(1), strict=True))

    def place_of(self, start: Tensor, length: Tensor) -> Tensor:
        """Return the (B,) place of a stretch that no cut divides, far off if it is not there."""
        end = self.starts + self.lengths
        holds = (self.starts <= start[:, None]) & (start[:, None] + length[:, None] <= end)
        place = self.places + start[:, None] - self.starts
        return place.masked_fill(~holds, FAR).amin(1)

    def up_to(self, n: Tensor) -> ReadingOrder:
        """Leave out the clauses that begin past the first (B,) n characters of every document."""
        k = max(1, int(((self.places < n[:, None]) & (self.lengths > 0)).sum(1).amax()))
        return ReadingOrder(self.first, self.starts[:, :k], self.lengths[:, :k])

    def corrupted(self, n: Tensor, start: Tensor, masked: Tensor) -> Pieces:
        """Rearrange ``prefix masked suffix`` to ``prefix⁇suffix⁇masked``; all arguments (B,).

        Args:
            n: characters that are kept of the document.
            start: place of the hidden span among these.
            masked: the span's length.
        """
        end = start + masked
        prefix, hidden = self.stretch(torch.zeros_like(n), start), self.stretch(start, end)
        suffix = self.stretch(end, n)
        return Pieces.of([*prefix, (MARK, 1), *suffix, (MARK, 1), *hidden], n)


class Clauses:
    """Where the clauses of some documents begin, to read them in another order."""

    def __init__(self, documents: Sequence[str], share: float) -> None:
        """Find them.

        Args:
            documents: by the indices that are drawn from.
            share: of the examples that are read in another order.
        """
        self._share = share
        found = [_beginnings(document) for document in documents]
        counts = torch.tensor([len(beginnings) for beginnings in found])
        self._starts = torch.tensor([start for beginnings in found for start in beginnings])
        self._offsets = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])

    def shuffled(
        self, order: ReadingOrder, indices: Tensor, generator: torch.Generator
    ) -> ReadingOrder:
        """Draw an order for documents, the name staying in front.

        Args:
            order: of the documents as written.
            indices: (B,) of the documents.
            generator: draws it, and for which.
        """
        chosen = torch.rand(len(indices), generator=generator) < self._share
        offsets = self._offsets[indices]
        counts = self._offsets[indices + 1] - offsets
        column = torch.arange(int(counts.max()))  # (K,)
        exists = column < counts[:, None]  # (B, K)
        starts = self._starts[(offsets[:, None] + column).clamp(max=len(self._starts) - 1)]
        starts = torch.where(exists, starts, order.lengths)
        lengths = torch.cat([starts[:, 1:], order.lengths], 1) - starts
        keys = torch.rand(starts.shape, generator=generator)
        keys = torch.where(chosen[:, None], keys, column / len(column))
        keys[:, 0] = -1.0
        by_key = keys.masked_fill(~exists, 2.0).argsort(1)
        return ReadingOrder(order.first, starts.gather(1, by_key), lengths.gather(1, by_key))


def _beginnings(document: str) -> list[int]:
    """Return where the clauses of a document begin, the first one the name with its stop."""
    name = subject(document)
    body = len(name) + len(NAME_END) - 1 if name else 0
    return [0, *(match.start() for match in END.finditer(document, body))]
