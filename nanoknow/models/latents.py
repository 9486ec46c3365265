"""Where a perceiver's latents are in the text, what they read, and what reads them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.batch import Group, Layout, widen
from nanoknow.models.cache import VectorCache


class Latents(nn.Module):
    """The positions of m latents in a block of ℓ characters.

    Shapes: N flat characters, N_latents flat latents of the same sequences, whose layout has the
    latents' numbers for positions.

    Attributes:
        ends: (m,) the position of the last character that each latent reads.
        first_reader: (ℓ,) the first latent that reads each character, the last if none does.
        last_end: (ℓ,) the end of the last latent that is complete with each character, -1 before
            the first.
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
        """Return the first latent that reads character t, the last if none does."""
        return min(self.config.n_latents(t), self.config.bottleneck_dim - 1)

    def masks(self) -> tuple[Tensor, Tensor]:
        """Return who sees what where latents are spread.

        Returns:
            (m, ℓ) bool, which characters a latent reads, and (ℓ, ℓ) bool, which positions of the
            memory a character does.
        """
        key = torch.arange(self.config.block_size)  # (ℓ,)
        query = key[:, None]  # (ℓ, 1)
        is_latent = self.last_end == key  # (ℓ,)
        seen = is_latent | (key > self.last_end[:, None])  # (ℓ, ℓ), besides causality
        return key <= self.ends[:, None], (key <= query) & seen

    def layout(self, layout: Layout) -> Layout:
        """Lay out the latents that some characters can reach, or a few more.

        A sequence needs only those that its characters complete; one that completes none
        computes the first, which nothing sees. A character decoded alone computes the first
        latent that reads it. Before the latent's last character the result is meaningless, is
        seen by nothing, and is overwritten by the next. Past the last latent's end that latent
        is computed again, from the same keys and with the same result.

        Args:
            layout: of the characters: sequences from one start, or one character each.
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

        It is any other where that one is not among them: such a latent is not seen.
        """
        ends = self.ends[latent_layout.positions]  # (N_latents,)
        return F.embedding(_indices_at(ends, latent_layout, layout), x)

    def memory(self, latents: Tensor, x: Tensor, layout: Layout, latent_layout: Layout) -> Tensor:
        """Return (N, d): of (N, d) characters, those that complete a latent replaced by it."""
        latent = _indices_at(self.first_reader[layout.positions], layout, latent_layout)  # (N,)
        is_latent = self.last_end[layout.positions] == layout.positions
        own = torch.arange(len(x), device=x.device)
        return F.embedding(torch.where(is_latent, len(x) + latent, own), torch.cat([x, latents]))

    def last_complete(self, memory: Tensor, layout: Layout, cache: VectorCache | None) -> Tensor:
        """Return (N, d): the last complete latent of each character, 0 before the first.

        Args:
            memory: (N, d), see ``memory``.
            layout: of the characters.
            cache: of the memory.
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
    """Find what is at some positions, each in its own sequence.

    Args:
        positions: (N,) of the same sequences in ``source``.
        layout: of these N.
        source: where positions follow each other, from any first one.

    Returns:
        (N,) indices into the flat tensor of ``source``; of the nearest position it has.
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
