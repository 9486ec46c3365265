"""The one batch type: sequences of any lengths, back to back.

Sequences are sorted into groups of one length each, and the groups' tokens are concatenated in a
flat tensor. Linear layers work on the flat tensor as it is; attention views each group as a
rectangle of sequences × length. A padded batch is the special case of one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE = -100
"""Target of tokens that carry no loss."""
MAX_GROUPS, MIN_ROWS = 16, 8
"""Most groups in a batch, and fewest sequences in a group: more groups mean less padding, but
smaller rectangles for attention."""
WIDTH_STEP = 4
"""Group lengths are rounded up to a multiple of it, at most to the block, and then widened."""


class Group(NamedTuple):
    """A rectangle: ``n_sequences`` rows of ``length`` tokens."""

    n_sequences: int
    length: int

    @property
    def n_tokens(self) -> int:
        """Number of its tokens in the flat tensor."""
        return self.n_sequences * self.length


@dataclass(frozen=True)
class Layout:
    """How N flat tokens form sequences.

    Attributes:
        groups: the rectangles, in the order of their tokens; N is the sum of their tokens.
        positions: (N,) int64, the position of each token in its own sequence, from 0.
        end: one past the largest position; None if only the device knows it.
        start: the first position, if all sequences share it and the CPU knows it; else None.
    """

    groups: tuple[Group, ...]
    positions: Tensor
    end: int | None = None
    start: int | None = None

    @classmethod
    def of(
        cls, groups: tuple[Group, ...], device: torch.device | None = None, start: int = 0
    ) -> Layout:
        """Lay out sequences that all start at position ``start``."""
        rows = [
            torch.arange(start, start + g.length, device=device).repeat(g.n_sequences)
            for g in groups
        ]
        return cls(groups, torch.cat(rows), start + max(g.length for g in groups), start)

    def rectangles(self, flat: Tensor) -> list[Tensor]:
        """View (N, …) flat values as one (n_sequences, length, …) tensor for each group."""
        parts = torch.split(flat, [group.n_tokens for group in self.groups])
        return [
            part.view(group.n_sequences, group.length, *flat.shape[1:])
            for part, group in zip(parts, self.groups, strict=True)
        ]


@dataclass(frozen=True)
class Batch:
    """Training examples.

    Attributes:
        tokens: (N,) int64 input ids.
        targets: (N,) int64 ids to predict, ``IGNORE`` where no loss is computed.
        layout: how the N tokens form sequences.
    """

    tokens: Tensor
    targets: Tensor
    layout: Layout

    @classmethod
    def from_rows(cls, rows: Tensor, targets: Tensor, lengths: Tensor) -> Batch:
        """Group padded rows by ``pack``, on the CPU, and drop the padding beyond each group.

        Args:
            rows: (B, T) input ids, meaningful in the first ``lengths[b]`` columns of row b.
            targets: (B, T) ids to predict; ``IGNORE`` past the length.
            lengths: (B,) int64, each at least 1.
        """
        chunks, groups = pack(lengths, rows.shape[1])

        def flat(padded: Tensor) -> Tensor:
            parts = zip(chunks, groups, strict=True)
            return torch.cat([padded[chunk, : group.length].flatten() for chunk, group in parts])

        return cls(flat(rows), flat(targets), Layout.of(groups))

    def scored(self) -> tuple[Tensor | None, Tensor]:
        """Return the (P,) indices of the tokens that carry loss, and their (P,) targets.

        So that few different P occur (see ``widen``), the indices are padded with 0, whose targets
        are ``IGNORE``. The indices are None, and P = N, if no token would be left out.
        """
        indices = (self.targets != IGNORE).nonzero()[:, 0]
        unit = sum(group.n_sequences for group in self.layout.groups) * WIDTH_STEP // 2
        n = _round_up(len(indices), unit)
        if n >= len(self.targets):
            return None, self.targets
        targets = self.targets.new_full((n,), IGNORE)
        targets[: len(indices)] = self.targets[indices]
        return F.pad(indices, (0, n - len(indices))), targets

    def to(self, device: torch.device) -> Batch:
        """Copy to a device, unless it is there already."""
        if device == self.tokens.device:
            return self
        layout = Layout.of(self.layout.groups, device)
        return Batch(self.tokens.to(device), self.targets.to(device), layout)

    def part(self, rank: int, size: int) -> Batch:
        """Return every ``size``-th sequence of each group, from ``rank`` on.

        If that is none, return the first of each group without loss, as no batch may be empty.
        """
        kept = [len(range(rank, group.n_sequences, size)) for group in self.layout.groups]
        if not any(kept):
            first = self.part(0, self.layout.groups[0].n_sequences)
            return Batch(first.tokens, torch.full_like(first.targets, IGNORE), first.layout)

        def of(flat: Tensor) -> Tensor:
            return torch.cat([rows[rank::size].flatten() for rows in self.layout.rectangles(flat)])

        groups = [Group(n, g.length) for n, g in zip(kept, self.layout.groups, strict=True) if n]
        layout = Layout.of(tuple(groups), self.tokens.device)
        return Batch(of(self.tokens), of(self.targets), layout)

    def joined(self, other: Batch) -> Batch:
        """Return one batch with the examples of both."""
        tokens = torch.cat([self.tokens, other.tokens])
        layout = Layout.of(self.layout.groups + other.layout.groups, tokens.device)
        return Batch(tokens, torch.cat([self.targets, other.targets]), layout)


def pack(lengths: Tensor, widest: int) -> tuple[Sequence[Tensor], tuple[Group, ...]]:
    """Sort sequences by their (B,) lengths and cut them into groups of few shapes, on the CPU.

    Args:
        lengths: each 1 … ``widest``.
        widest: greatest length of a group.

    Returns:
        The indices of the sequences in each group, and the groups, each at least as long as its
        longest sequence.
    """
    order = torch.argsort(lengths, stable=True)
    n_groups = max(1, min(MAX_GROUPS, len(order) // MIN_ROWS))
    chunks = torch.split(order, -(-len(order) // n_groups))
    longest = (int(lengths[chunk[-1]]) for chunk in chunks)
    widths = (min(_round_up(n, WIDTH_STEP), widest) for n in longest)
    groups = [Group(len(chunk), width) for chunk, width in zip(chunks, widths, strict=True)]
    return chunks, widen(groups, widest)


def widen(groups: Sequence[Group], widest: int) -> tuple[Group, ...]:
    """Widen some groups a little, so that few different sums of tokens occur.

    A CPU's kernels for matrix products are built, and kept, for each shape that they meet. If
    each batch had a size of its own, memory would grow by tens of megabytes a step, to several
    gigabytes. So the tokens of all groups together are a multiple of ``WIDTH_STEP / 2`` for
    each sequence, as far as ``widest`` allows. One group alone has a shape for each of its
    lengths, no more, and stays as it is.
    """
    if len(groups) == 1:
        return tuple(groups)
    n_rows = groups[0].n_sequences
    unit = n_rows * len(groups) * WIDTH_STEP // 2
    n_tokens = sum(group.n_tokens for group in groups)
    spare = (_round_up(n_tokens, unit) - n_tokens) // n_rows
    widened = []
    for n, length in groups:  # the narrowest first: it costs attention least
        more = min(spare, widest - length)
        widened.append(Group(n, length + more))
        spare -= more
    return tuple(widened)


def _round_up(n: int, unit: int) -> int:
    return -(-n // unit) * unit
