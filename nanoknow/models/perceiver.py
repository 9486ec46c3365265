"""The transformer with a bottleneck of latents (after Jaegle et al., 2021), as first defined.

The original assignment's cross-attentions both use the top-left corner of the causal triangle.
Latent j therefore reads the first j+1 characters: with m latents the trunk sees the first m
characters of a text and none after them. Later characters enter only through the
up-projection's query and its residual, which makes this model causal, and weak. It is kept as
the faithful definition.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config import PerceiverConfig
from nanoknow.data.batch import Group, Layout, widen
from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import Block, Embedding, Head, LayerCache, Rotation, initialize


class DownProjection(Block):
    """Reads N characters into latents: C + attention(ln1 C, characters), then the MLP."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        dropout: float,
        rotation: Rotation | None,
        bottleneck_dim: int,
    ) -> None:
        super().__init__(d_model, n_heads, dropout, rotation)
        self.basis = nn.Parameter(torch.empty(1, bottleneck_dim, d_model))

    def read(
        self, characters: Tensor, latent_layout: Layout, layout: Layout, cache: LayerCache | None
    ) -> Tensor:
        """Map (N, d) characters to (N_latents, d)."""
        at = latent_layout.positions  # (N_latents,)
        latents = F.embedding(at, self.ln1(self.basis[0]))  # (N_latents, d)
        gathered = self.attention(latents, characters, latent_layout, layout, cache)
        x = F.embedding(at, self.basis[0]) + gathered
        out: Tensor = x + self.mlp(self.ln2(x))
        return out


class UpProjection(Block):
    """Writes latents back to the characters: x + attention(x, ln1 latents), then the MLP."""

    def write(
        self,
        latents: Tensor,
        characters: Tensor,
        latent_layout: Layout,
        layout: Layout,
        cache: LayerCache | None,
        places: Tensor | None,
    ) -> Tensor:
        """Map (N_latents, d) and the embedded (N, d) characters to (N, d), or to (P, d) places."""
        gathered = self.attention(characters, self.ln1(latents), layout, latent_layout, cache)
        x = characters + gathered
        if places is not None:
            x = x[places]
        out: Tensor = x + self.mlp(self.ln2(x))
        return out


class Perceiver(CharacterModel):
    """Embedding → down-projection → L−2 blocks on the latents → up-projection → head."""

    config: PerceiverConfig

    def __init__(
        self, config: PerceiverConfig, vocab_size: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.config = config
        d, heads, dropout = config.d_model, config.n_heads, config.dropout
        rotary, m = config.positions == "rotary", config.bottleneck_dim
        rotation = Rotation(range(config.block_size), d // heads) if rotary else None
        self.embedding = Embedding(vocab_size, config.block_size, d, dropout, rotary=rotary)
        self.down = DownProjection(d, heads, dropout, rotation, m)
        self.blocks = nn.ModuleList(
            Block(d, heads, dropout, rotation) for _ in range(config.n_layers - 2)
        )
        self.up = UpProjection(d, heads, dropout, rotation)
        self.head = Head(d, vocab_size)
        initialize(self, generator)
        # On three dimensions the fans are m·d and d: ±0.019 for m = 64, d = 256.
        nn.init.xavier_uniform_(self.down.basis, generator=generator)

    def forward(
        self,
        tokens: Tensor,
        layout: Layout,
        caches: list[LayerCache] | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """See ``CharacterModel.forward``."""
        each: Sequence[LayerCache | None] = caches or [None] * (len(self.blocks) + 2)
        down, *trunk, up = each
        x = self.embedding(tokens, layout)  # (N, d)
        latent_layout = self._latents(layout, is_partial=caches is not None)
        y = self.down.read(x, latent_layout, layout, down)  # (N_latents, d)
        for block, cache in zip(self.blocks, trunk, strict=True):
            y = block(y, latent_layout, cache)
        logits: Tensor = self.head(self.up.write(y, x, latent_layout, layout, up, places))
        return logits

    def new_caches(self, capacity: int) -> list[LayerCache]:
        """See ``CharacterModel.new_caches``."""
        latents = min(capacity, self.config.bottleneck_dim)
        trunk = [LayerCache(latents) for _ in range(len(self.blocks) + 1)]
        return [LayerCache(capacity), *trunk]

    def _latents(self, layout: Layout, *, is_partial: bool) -> Layout:
        """Lay out the latents that these characters can reach, or a few more.

        Character t sees latents ≤ t, so that a sequence of T < m characters needs only T of
        them. A character past the m-th, decoded alone, computes the last latent again: it sees
        the same keys and comes out the same.

        Args:
            layout: of the characters.
            is_partial: whether earlier characters of the sequences may be in a cache.
        """
        m = self.config.bottleneck_dim
        groups = [Group(n, min(length, m)) for n, length in layout.groups]
        if not is_partial:
            return Layout.of(widen(groups, m), layout.positions.device)
        positions = torch.cat(
            [rows[:, :m].clamp(max=m - 1).flatten() for rows in layout.rectangles(layout.positions)]
        )
        end = None if layout.end is None else min(layout.end, m)
        return Layout(tuple(groups), positions, end)
