"""Where a perceiver's latents stand in the text, what they read, and what reads them."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.batch import Group, Layout, widen
from nanoknow.models.cache import LayerCache


class Latents(nn.Module):
    """The places of m latents in a block of ℓ characters.

    Shapes: N flat characters, N_latents flat latents of the same sequences; a group has B
    sequences of T characters.

    Attributes:
        positions: of the latents, each its last character's.
        stands_at: (m,) the same.
        first_reader: (ℓ,) the first latent that reads a position, the last of all if none does.
        completes: (ℓ,) bool, whether a latent stands at a position.
        last_end: (ℓ,) where the last complete latent stands, -1 before there is one.
    """

    stands_at: Tensor
    first_reader: Tensor
    completes: Tensor
    last_end: Tensor

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.config = config
        self.positions = [config.latent_end(j) - 1 for j in range(config.bottleneck_dim)]
        readers = torch.tensor([self.reader_of(t) for t in range(config.block_size)])
        counts = [config.n_latents(t) for t in range(config.block_size + 1)]
        completes = torch.tensor([after > before for before, after in itertools.pairwise(counts)])
        ends = torch.where(completes, torch.arange(config.block_size), -1).cummax(0).values
        self.register_buffer("stands_at", torch.tensor(self.positions), persistent=False)
        self.register_buffer("first_reader", readers, persistent=False)
        self.register_buffer("completes", completes, persistent=False)
        self.register_buffer("last_end", ends, persistent=False)

    def reader_of(self, t: int) -> int:
        """Return the first latent that reads character t, the last of all if none does."""
        return min(self.config.n_latents(t), self.config.bottleneck_dim - 1)

    def masks(self) -> tuple[Tensor, Tensor]:
        """Return who sees what where latents are spread.

        Returns:
            (m, ℓ) bool, which characters a latent reads, and (ℓ, ℓ) bool, which places of the
            memory a character does.
        """
        length = self.config.block_size
        counts = torch.tensor([self.config.n_latents(t) for t in range(length + 1)])
        before, complete = counts[:-1], counts[1:]  # (ℓ,) latents complete before and with t
        at = torch.arange(length)  # (ℓ,)
        # No latent that t sees has read a character if none was completed between the two.
        raw = before == complete[:, None]  # (ℓ, ℓ)
        return at <= self.stands_at[:, None], (at <= at[:, None]) & (self.completes | raw)

    def layout(self, layout: Layout, *, is_partial: bool) -> Layout:
        """Lay out the latents that these characters can reach, or a few more.

        A sequence needs only those that its characters complete; one that completes none
        computes the first, which nothing sees. A character decoded alone computes the first
        latent that reads it. Before the latent's last character the outcome means nothing, is
        seen by nothing, and is overwritten by the next. Past the last latent's end that latent
        is computed again: it sees the same keys and comes out the same.

        Args:
            layout: of the characters.
            is_partial: whether earlier characters of the sequences may be in a cache: sequences
                are whole, or one character each.
        """
        m, device = self.config.bottleneck_dim, layout.positions.device
        groups = [Group(n, max(1, self.config.n_latents(length))) for n, length in layout.groups]
        if not is_partial:
            return Layout.of(widen(groups, m), device)
        rectangles = layout.rectangles(layout.positions)
        rows = [
            self.first_reader[places[:, :1]] + torch.arange(group.length, device=device)
            for places, group in zip(rectangles, groups, strict=True)
        ]
        positions = torch.cat([row.flatten() for row in rows]).clamp_(max=m - 1)
        end = None if layout.end is None else self.reader_of(layout.end - 1) + 1
        return Layout(tuple(groups), positions, end)

    def last_characters(self, latent_layout: Layout, layout: Layout) -> Tensor:
        """Return (N_latents,) which of the N characters completes each latent.

        It is any other where that one is not among them: such a latent is not seen.
        """
        own = torch.arange(len(layout.positions), device=layout.positions.device)
        each = (
            layout.rectangles(layout.positions),  # (B, T)
            layout.rectangles(own),
            latent_layout.rectangles(latent_layout.positions),  # (B, T_latents)
        )
        sources = []
        for places, row, numbers in zip(*each, strict=True):
            column = self.stands_at[numbers] - places[:, :1]
            sources.append(row.gather(1, column.clamp_(0, row.shape[1] - 1)).flatten())
        return torch.cat(sources)

    def memory(
        self, latents: Tensor, characters: Tensor, latent_layout: Layout, layout: Layout
    ) -> Tensor:
        """Put each latent in the place of the character that completes it.

        Args:
            latents: (N_latents, d).
            characters: (N, d), embedded.
            latent_layout: of the latents.
            layout: of the characters.

        Returns:
            (N, d).
        """
        n, device = len(characters), characters.device
        own = torch.arange(n, device=device)
        theirs = torch.arange(n, n + len(latents), device=device)
        sources = []  # in characters and latents, one after the other
        each = (
            layout.rectangles(layout.positions),  # (B, T)
            layout.rectangles(own),
            latent_layout.rectangles(latent_layout.positions),  # (B, T_latents)
            latent_layout.rectangles(theirs),
        )
        for places, own_row, numbers, their_row in zip(*each, strict=True):
            column = self.first_reader[places] - numbers[:, :1]
            latent = their_row.gather(1, column.clamp_(max=numbers.shape[1] - 1))
            sources.append(torch.where(self.completes[places], latent, own_row).flatten())
        return F.embedding(torch.cat(sources), torch.cat([characters, latents]))

    def last_complete(self, memory: Tensor, layout: Layout, cache: LayerCache | None) -> Tensor:
        """Return (N, d): the last complete latent of each character, 0 where there is none.

        Args:
            memory: (N, d), latents in the places of the characters that complete them.
            layout: of both.
            cache: of the memory.
        """
        found = []
        each = layout.rectangles(memory), layout.rectangles(self.last_end[layout.positions])
        for rows, ends in zip(*each, strict=True):  # (B, T, d), (B, T)
            source = rows
            if cache is not None:
                keys = rows[:, None]  # (B, 1, T, d), with no values behind them
                source = cache.write(keys, keys[..., :0], layout)[0][:, 0]  # (B, capacity, d)
            index = ends.clamp(min=0)[:, :, None].expand_as(rows)
            latents = source.gather(1, index) * (ends >= 0)[:, :, None]
            found.append(latents.flatten(0, 1))
        return torch.cat(found)
