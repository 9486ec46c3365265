"""The one batch type: sequences of any lengths, back to back.

Sequences are sorted into groups of one length each, and the groups' tokens stand one after
another in a flat tensor. Linear layers work on the flat tensor as it is; attention takes each
group as a rectangle (a view). A padded batch is the special case of one group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

IGNORE = -100
"""Target of positions that carry no loss."""
MAX_GROUPS, MIN_ROWS = 16, 8
"""A batch is cut into so many rectangles at most, of so many sequences at least: more of them
mean less padding, but smaller pieces for attention."""


class Group(NamedTuple):
    """A rectangle of sequences: ``n_sequences`` rows of ``length`` tokens."""

    n_sequences: int
    length: int

    @property
    def n_tokens(self) -> int:
        """How many places of the flat tensor it takes."""
        return self.n_sequences * self.length


@dataclass(frozen=True)
class Layout:
    """How N flat tokens fall into sequences.

    Attributes:
        groups: the rectangles, in the order of their tokens; N is the sum of their tokens.
        positions: (N,) int64, each token's place in its own sequence, from 0.
        end: one past the largest position, where it is known without asking the device.
    """

    groups: tuple[Group, ...]
    positions: Tensor
    end: int | None = None

    @classmethod
    def of(cls, groups: tuple[Group, ...], device: torch.device | None = None) -> Layout:
        """Lay out sequences that all start at position 0."""
        rows = [torch.arange(g.length, device=device).repeat(g.n_sequences) for g in groups]
        return cls(groups, torch.cat(rows), max(g.length for g in groups))

    @property
    def sizes(self) -> list[int]:
        """Tokens of each group, for ``Tensor.split``."""
        return [group.n_tokens for group in self.groups]

    def rectangles(self, flat: Tensor) -> list[Tensor]:
        """View (N, …) flat values as one (n_sequences, length, …) tensor for each group."""
        parts = torch.split(flat, self.sizes)
        return [
            part.view(group.n_sequences, group.length, *flat.shape[1:])
            for part, group in zip(parts, self.groups, strict=True)
        ]

    def to(self, device: torch.device) -> Layout:
        """Copy to a device."""
        return Layout(self.groups, self.positions.to(device, non_blocking=True), self.end)


@dataclass(frozen=True)
class Batch:
    """Training examples.

    Attributes:
        tokens: (N,) int64 input ids.
        targets: (N,) int64 ids to predict, ``IGNORE`` where nothing is.
        layout: how the N places fall into sequences.
    """

    tokens: Tensor
    targets: Tensor
    layout: Layout

    @classmethod
    def from_rows(cls, rows: Tensor, targets: Tensor, lengths: Tensor) -> Batch:
        """Pack padded rows: sort them by length, cut them into groups, drop the rest.

        Args:
            rows: (B, T) input ids, meaningful in the first ``lengths[b]`` places of row b.
            targets: (B, T) the same for targets; ``IGNORE`` past the length.
            lengths: (B,) int64, each at least 1.
        """
        order = torch.argsort(lengths, stable=True)
        chunks = order.tensor_split(max(1, min(MAX_GROUPS, len(order) // MIN_ROWS)))
        groups = tuple(Group(len(chunk), int(lengths[chunk[-1]])) for chunk in chunks)
        tokens_in, targets_in = [], []
        for chunk, group in zip(chunks, groups, strict=True):
            tokens_in.append(rows[chunk, : group.length].flatten())
            targets_in.append(targets[chunk, : group.length].flatten())
        return cls(torch.cat(tokens_in), torch.cat(targets_in), Layout.of(groups, rows.device))

    def to(self, device: torch.device) -> Batch:
        """Copy to a device."""
        return Batch(
            self.tokens.to(device, non_blocking=True),
            self.targets.to(device, non_blocking=True),
            self.layout.to(device),
        )
