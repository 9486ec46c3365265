"""Where a perceiver's latents are in the text, what they read, and what reads them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.batch import Group, Layout, widen
from nanoknow.models.cache import VectorCache


class Latents(nn.Module):
    """The positions of m latents in a block of ℓ characters.

    Shapes: N flat characters, N_latents flat latents of the same sequences, in whose
    layout a latent's number is its position.

    Attributes:
        ends: (m,) the position of the last character that each latent reads.
        first_reader: (ℓ,) the first latent that reads each character; the last latent if none does.
        last_end: (ℓ,) the end of the last latent that is complete at each character; -1 if none
            is.
    """

    ends: Tensor
    first_reader: Tensor
    last_end: Tensor

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.config = config
        block = range(config.block_size)
        ends = [config.latent_end(j) - 1 for j in range(config.bottleneck_dim)]
        last_end = [config.latent_end(config.n_latents(t + 1) - 1) - 1 for t in block]
        readers = [self.reader_of(t) for t in block]
        for name, each in (("ends", ends), ("first_reader", readers), ("last_end", last_end)):
            self.register_buffer(name, torch.tensor(each), persistent=False)

    def reader_of(self, t: int) -> int:
        """Return the first latent that reads character t; the last latent if none does."""
        return min(self.config.n_latents(t), self.config.bottleneck_dim - 1)

    def masks(self) -> tuple[Tensor, Tensor]:
        """Return the attention masks of spread latents.

        Returns:
            (m, ℓ) bool, which characters each latent reads; and (ℓ, ℓ) bool, which positions of
            the memory each character reads.
        """
        key = torch.arange(self.config.block_size)  # (ℓ,)
        query = key[:, None]  # (ℓ, 1)
        is_latent = self.last_end == key  # (ℓ,)
        seen = is_latent | (key > self.last_end[:, None])  # (ℓ, ℓ), besides causality
        return key <= self.ends[:, None], (key <= query) & seen

    def layout(self, layout: Layout) -> Layout:
        """Return the layout of the latents that characters need, or of a few more.

        A sequence needs only the latents that its characters complete; if they complete none,
        the first is computed, which nothing sees. A character decoded alone computes the first
        latent that reads it. Until that latent's last character the result is meaningless: nothing
        sees it, and the next character overwrites it. Past the end of the last latent, this one
        is computed again, from the same keys and with the same result.

        Args:
            layout: the characters' layout: sequences with one start, or one character each.
        """
        start, n_latents = layout.start, self.config.n_latents
        if start is None:
            end = None if layout.end is None else self.reader_of(layout.end - 1) + 1
            return Layout(layout.groups, self.first_reader[layout.positions], end)
        before = n_latents(start)
        counts = [Group(n, max(1, n_latents(start + t) - before)) for n, t in layout.groups]
        groups = widen(counts, self.config.bottleneck_dim)
        return Layout.of(groups, layout.positions.device, self.reader_of(start))

    def last_characters(self, x: Tensor, layout: Layout, latent_layout: Layout) -> Tensor:
        """Return (N_latents, d): of (N, d) characters, the last one that each latent reads.

        If ``x`` lacks that one, the nearest is taken: nothing sees such a latent.
        """
        ends = self.ends[latent_layout.positions]  # (N_latents,)
        return F.embedding(_indices_at(ends, latent_layout, layout), x)

    def memory(self, latents: Tensor, x: Tensor, layout: Layout, latent_layout: Layout) -> Tensor:
        """Return the (N, d) characters, with the latent in place of each that completes one."""
        latent = _indices_at(self.first_reader[layout.positions], layout, latent_layout)  # (N,)
        is_latent = self.last_end[layout.positions] == layout.positions
        own = torch.arange(len(x), device=x.device)
        return F.embedding(torch.where(is_latent, len(x) + latent, own), torch.cat([x, latents]))

    def last_complete(self, memory: Tensor, layout: Layout, cache: VectorCache | None) -> Tensor:
        """Return (N, d): the last latent that is complete at each character; 0 if none is.

        Args:
            memory: (N, d), see ``memory``.
            layout: the characters' layout.
            cache: the memory so far, if characters are decoded step by step.
        """
        source = layout
        if cache is not None:
            [rows] = layout.rectangles(memory)  # (B, T, d)
            rows = cache.write(rows, layout)  # (B, capacity, d)
            source = Layout.of((Group(*rows.shape[:2]),), memory.device)
            memory = rows.flatten(0, 1)
        ends = self.last_end[layout.positions]  # (N,)
        return F.embedding(_indices_at(ends, layout, source), memory) * (ends >= 0)[:, None]


def _indices_at(positions: Tensor, layout: Layout, source: Layout) -> Tensor:
    """Find positions in another layout of the same sequences.

    Args:
        positions: (N,) the positions to find, each in its own sequence.
        layout: how these N form sequences.
        source: where to find them; in each sequence its positions are consecutive.

    Returns:
        (N,) indices into the flat tensor of ``source``; of the nearest position if one is missing.
    """
    flat = torch.arange(len(source.positions), device=positions.device)
    each = zip(
        layout.rectangles(positions),  # (B, T)
        source.rectangles(source.positions),  # (B, S)
        source.rectangles(flat),
        strict=True,
    )
    found = []
    for wanted, there, indices in each:
        column = (wanted - there[:, :1]).clamp_(0, there.shape[1] - 1)  # (B, T)
        found.append(indices.gather(1, column).flatten())
    return torch.cat(found)
