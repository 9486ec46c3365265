"""How examples are put together from stretches of the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

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
        n = max(self.starts.shape[1], other.starts.shape[1])

        def select(own: Tensor, others: Tensor) -> Tensor:
            own, others = (F.pad(part, (0, n - part.shape[1])) for part in (own, others))
            return torch.where(chosen[:, None], own, others)

        return Pieces(
            select(self.starts, other.starts),
            select(self.lengths, other.lengths),
            torch.where(chosen, self.first_target, other.first_target),
        )
