"""The transformer with a bottleneck of latents (after Jaegle et al., 2021), causal in two ways.

With m latents, a block of ℓ characters, j and t counted from 0:

``first``: the original assignment's cross-attentions both use the top-left corner of the causal
triangle. Latent j therefore reads the first j + 1 characters: the trunk sees the first m
characters of a text and none after them. Later characters enter only through the
up-projection's query and its residual, which makes this model causal, and weak. It is kept as
the faithful definition.

``spread``: latent j reads the first e_j = ⌈(j + 1)ℓ/m⌉ characters, the last one the whole block.
Output t reads the latents that are complete, e_j ≤ t + 1, and of the characters themselves those
after the last of these latents' ends, e_j … t. Nothing before t is out of its reach.

The two have the same parameters. What is decided beyond that:

- A spread latent starts from its basis and its last character, embedded, and an output from its
  character and the last latent that it reads, where the original's start from the basis and from
  the character alone (as the hourglass of Nawrot et al., 2021, does it): attention need not learn
  first to find its own place in the text, and does not spend itself on it.
- A latent stands at position e_j - 1, its last character's. With rotary positions distances are
  then distances in characters, between latents too, and the query is turned by it.
- The character that completes a latent is read by no output: those from it on see the latent. So
  the up-projection has one key for each position, a latent's or else the character's, cached by
  position, and a mask over ℓ × ℓ of them says which are seen. Attending apart to latents and to
  the ⌈ℓ/m⌉ - 1 characters that are seen at most would save less than 2ℓ(ℓ - m)d multiply-adds,
  1.5% of all at the original sizes, and take a second kernel.
- Latents and characters come to these keys through the same LayerNorm, ln1 of the up-projection,
  on one scale, and so does its query where latents are spread. The original's query is the
  embedded character without one, and so are the down-projection's keys in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.batch import Layout
from nanoknow.models.base import CharacterModel
from nanoknow.models.cache import LayerCache
from nanoknow.models.latents import Latents
from nanoknow.models.layers import Attention, Block, Embedding, Head, Rotation, initialize


class DownProjection(Block):
    """Reads N characters into latents: C + attention(ln1 C, characters), then the MLP.

    C is the basis, or the basis and the latents' own characters.
    """

    def __init__(
        self, attention: Attention, d_model: int, dropout: float, bottleneck_dim: int
    ) -> None:
        super().__init__(attention, d_model, dropout)
        self.basis = nn.Parameter(torch.empty(1, bottleneck_dim, d_model))

    def read(
        self,
        characters: Tensor,
        latent_layout: Layout,
        layout: Layout,
        cache: LayerCache | None,
        own: Tensor | None,
    ) -> Tensor:
        """Map (N, d) characters to (N_latents, d).

        Args:
            characters: embedded.
            latent_layout: of the latents.
            layout: of the characters.
            cache: of the characters.
            own: (N_latents,) which character each latent starts from, if from any.
        """
        latents = F.embedding(latent_layout.positions, self.basis[0])  # (N_latents, d)
        if own is not None:
            latents = latents + F.embedding(own, characters)
        gathered = self.attention(self.ln1(latents), characters, latent_layout, layout, cache)
        x = latents + gathered
        out: Tensor = x + self.mlp(self.ln2(x))
        return out


class UpProjection(Block):
    """Writes a memory back to the characters: x + attention(x, ln1 memory), then the MLP.

    Where characters start from latents, it is z + attention(ln1 z, ln1 memory), z their sum.
    """

    def write(
        self,
        memory: Tensor,
        characters: Tensor,
        memory_layout: Layout,
        layout: Layout,
        cache: LayerCache | None,
        logit_indices: Tensor | None,
        latents: Tensor | None,
    ) -> Tensor:
        """Map (N_memory, d) and the embedded (N, d) characters to (N, d), or to (P, d).

        Args:
            memory: what is read.
            characters: embedded.
            memory_layout: of the memory.
            layout: of the characters.
            cache: of the memory.
            logit_indices: (P,) which characters to write to; None for all.
            latents: (N, d), those that the characters start from, if from any.
        """
        x = query = characters
        if latents is not None:
            x = characters + latents
            query = self.ln1(x)
        x = x + self.attention(query, self.ln1(memory), layout, memory_layout, cache)
        if logit_indices is not None:
            x = F.embedding(logit_indices, x)  # its backward is faster than that of indexing
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
        rotary, m, length = config.positions == "rotary", config.bottleneck_dim, config.block_size
        self.latents = Latents(config)
        rotation, of_latents = (
            Rotation(at, d // heads) if rotary else None
            for at in (range(length), self.latents.positions)
        )
        reads, sees = self.latents.masks() if config.latents == "spread" else (None, None)
        self.embedding = Embedding(vocab_size, length, d, dropout, rotary=rotary)
        attention = partial(Attention, d, heads, dropout)
        self.down = DownProjection(attention(of_latents, rotation, reads), d, dropout, m)
        self.blocks = nn.ModuleList(
            Block(attention(of_latents), d, dropout) for _ in range(config.n_layers - 2)
        )
        self.up = UpProjection(attention(rotation, mask=sees), d, dropout)
        self.head = Head(d, vocab_size)
        initialize(self, generator)
        # On three dimensions the fans are m·d and d: ±0.019 for m = 64, d = 256.
        nn.init.xavier_uniform_(self.down.basis, generator=generator)

    def forward(
        self,
        tokens: Tensor,
        layout: Layout,
        caches: list[LayerCache] | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """See ``CharacterModel.forward``."""
        each: Sequence[LayerCache | None] = caches or [None] * (len(self.blocks) + 3)
        down, up, *trunk = each[: len(self.blocks) + 2]
        x = self.embedding(tokens, layout)  # (N, d)
        latent_layout = self.latents.layout(layout, is_partial=caches is not None)
        spread = self.config.latents == "spread"
        own = self.latents.last_characters(latent_layout, layout) if spread else None
        y = self.down.read(x, latent_layout, layout, down, own)  # (N_latents, d)
        for block, cache in zip(self.blocks, trunk, strict=True):
            y = block(y, latent_layout, cache)
        memory, memory_layout, latents = y, latent_layout, None
        if spread:
            memory, memory_layout = self.latents.memory(y, x, latent_layout, layout), layout
            latents = self.latents.last_complete(memory, layout, each[-1])
        out = self.up.write(memory, x, memory_layout, layout, up, logit_indices, latents)
        logits: Tensor = self.head(out)
        return logits

    def new_caches(self, capacity: int) -> list[LayerCache]:
        """See ``CharacterModel.new_caches``."""
        latents = self.latents.reader_of(capacity - 1) + 1
        trunk = [latents] * len(self.blocks)
        if self.config.latents == "first":
            capacities = [capacity, latents, *trunk]
        else:  # the last for the memory itself, whose latents the characters start from
            capacities = [capacity, capacity, *trunk, capacity]
        return [LayerCache(n) for n in capacities]
