"""How examples are put together from segments of the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

MARK, PADDING = -1, -2
"""Where a segment begins that is not in the text: masks, or pads."""


class Segments(NamedTuple):
    """How examples are put together: segments of the text and masks, one after another.

    Attributes:
        starts: (B, P) int64, where each begins in the text; ``MARK`` for a mask.
        lengths: (B, P) int64, in characters; 0 for none.
        first_target: (B,) int64, the first character of an example that is to be predicted.
    """

    starts: Tensor
    lengths: Tensor
    first_target: Tensor

    @classmethod
    def of(cls, segments: Sequence[tuple[Tensor | int, Tensor | int]], like: Tensor) -> Segments:
        """Put segments, each a start and a length for all examples, in a row; all is predicted.

        Args:
            segments: (B,) tensors, or one number for all.
            like: (B,) of the device and type.
        """
        columns = [[torch.zeros_like(like) + value for value in segment] for segment in segments]
        starts, lengths = (torch.stack(column, 1) for column in zip(*columns, strict=True))
        return cls(starts, lengths, torch.zeros_like(like))

    @property
    def totals(self) -> Tensor:
        """(B,) the length of each example."""
        return self.lengths.sum(1)

    def padded(self, widths: Tensor) -> Segments:
        """Add pads to (B,) widths."""
        pads = (widths - self.totals)[:, None]
        starts = torch.cat([self.starts, torch.full_like(pads, PADDING)], 1)
        return self._replace(starts=starts, lengths=torch.cat([self.lengths, pads], 1))

    def to(self, device: torch.device) -> Segments:
        """Copy to a device."""
        return Segments(*(part.to(device, non_blocking=True) for part in self))

    def where(self, chosen: Tensor, other: Segments) -> Segments:
        """Take examples of ``self`` where the (B,) ``chosen`` says so, else of ``other``."""
        n = max(self.starts.shape[1], other.starts.shape[1])

        def select(own: Tensor, others: Tensor) -> Tensor:
            own, others = (F.pad(part, (0, n - part.shape[1])) for part in (own, others))
            return torch.where(chosen[:, None], own, others)

        return Segments(
            select(self.starts, other.starts),
            select(self.lengths, other.lengths),
            torch.where(chosen, self.first_target, other.first_target),
        )


def corrupted(first: Tensor, n: Tensor, start: Tensor, masked: Tensor) -> Segments:
    """Rearrange ``prefix masked suffix`` to ``prefix⁇suffix⁇masked``; all arguments (B,).

    Args:
        first: where each document begins in the text.
        n: characters that are kept of it.
        start: where the hidden span begins among these.
        masked: the span's length.
    """
    end = start + masked
    prefix, suffix, hidden = (first, start), (first + end, n - end), (first + start, masked)
    return Segments.of([prefix, (MARK, 1), suffix, (MARK, 1), hidden], first)
