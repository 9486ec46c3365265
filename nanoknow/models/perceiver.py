"""The transformer with a bottleneck of latents (after Jaegle et al., 2021), causal in two ways.

With m latents, a block of ℓ characters, j and t counted from 0:

``first``: the original assignment's cross-attentions both use the top-left corner of the causal
triangle. Latent j therefore reads the first j + 1 characters: the trunk sees the first m
characters of a text and none after them. Later characters enter only through the
up-projection's query and its residual, which makes this model causal, and weak. It is kept as
the faithful definition.

``spread``: latent j reads the first e_j = ⌈(j + 1)ℓ/m⌉ characters, the last one the whole block.
Output t reads the latents that are complete, e_j ≤ t + 1, and of the characters themselves those
after the last of these latents' ends, e_j … t. Every character up to t can influence it.

The two have the same parameters. Further decisions:

- A spread latent starts from its basis plus the embedding of its last character, and an output
  from its character plus the last latent that it reads (as in the hourglass of Nawrot et al.,
  2021). The original's start from the basis alone, and from the character alone. So attention need
  not first learn to find its own position in the text, and has its weights free for others.
- The position of a latent is e_j - 1, its last character's. Rotary positions then measure
  distances in characters, between latents too; queries are turned by it as keys are.
- No output reads the character that completes a latent: outputs from there on read the latent. So
  the up-projection has one key for each position, of a latent or else of the character, cached by
  position, and an ℓ × ℓ mask says which are seen. Attending separately to latents and to the
  characters that are seen, at most ⌈ℓ/m⌉ - 1, would save less than 2ℓ(ℓ - m)d multiply-adds,
  1.5% of all at the original sizes, and need a second kernel.
- These keys of latents and characters pass through the same LayerNorm, ln1 of the
  up-projection, and so does its query where latents are spread. The original's query is the
  embedded character, without LayerNorm; nor do the down-projection's keys have one, in both.
"""

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.batch import Layout
from nanoknow.models.base import CharacterModel
from nanoknow.models.cache import Cache, LayerCache, VectorCache
from nanoknow.models.latents import Latents
from nanoknow.models.layers import Attention, Block, CrossBlock, Embedding, Head, Rotation


class DownProjection(CrossBlock):
    """The block whose queries start from a learned basis, one vector for each latent."""

    def __init__(
        self, attention: Attention, d_model: int, dropout: float, bottleneck_dim: int
    ) -> None:
        super().__init__(attention, d_model, dropout)
        self.basis = nn.Parameter(torch.empty(1, bottleneck_dim, d_model))


class Perceiver(CharacterModel):
    """Embedding → down-projection → L−2 blocks on the latents → up-projection → head."""

    config: PerceiverConfig

    def __init__(self, config: PerceiverConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        d, heads, dropout = config.d_model, config.n_heads, config.dropout
        rotary, m, length = config.positions == "rotary", config.bottleneck_dim, config.block_size
        self.latents = Latents(config)
        rotation, of_latents = (
            Rotation(positions, d // heads) if rotary else None
            for positions in (torch.arange(length), self.latents.ends)
        )
        reads, sees = self.latents.masks() if config.latents == "spread" else (None, None)
        self.embedding = Embedding(vocab_size, length, d, dropout, rotary=rotary)
        attention = partial(Attention, d, heads, dropout)
        self.down = DownProjection(attention(of_latents, rotation, reads), d, dropout, m)
        self.blocks = nn.ModuleList(
            Block(attention(of_latents), d, dropout) for _ in range(config.n_layers - 2)
        )
        self.up = CrossBlock(attention(rotation, mask=sees), d, dropout)
        self.head = Head(d, vocab_size)

    def initialize(self, generator: torch.Generator) -> None:
        """See ``CharacterModel.initialize``."""
        super().initialize(generator)
        # For a tensor of (1, m, d) the fans are m·d and d: ±0.019 for m = 64, d = 256.
        nn.init.xavier_uniform_(self.down.basis, generator=generator)

    def logits(
        self,
        tokens: Tensor,
        layout: Layout,
        cache: Cache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """See ``CharacterModel.logits``."""
        each: Sequence[LayerCache | None] = cache.layers if cache else [None] * self.config.n_layers
        down, up, *trunk = each
        spread = self.config.latents == "spread"
        x = self.embedding(tokens, layout)  # (N, d)
        latent_layout = self.latents.layout(layout)
        y = F.embedding(latent_layout.positions, self.down.basis[0])  # (N_latents, d)
        if spread:
            y = y + self.latents.last_characters(x, layout, latent_layout)
        y = self.down.read(y, self.down.ln1(y), x, latent_layout, layout, down)
        for block, layer_cache in zip(self.blocks, trunk, strict=True):
            y = block(y, latent_layout, layer_cache)
        query, memory, memory_layout = x, y, latent_layout
        if spread:
            memory, memory_layout = self.latents.memory(y, x, layout, latent_layout), layout
            x = x + self.latents.last_complete(memory, layout, cache.memory if cache else None)
            query = self.up.ln1(x)
        x = self.up.read(x, query, self.up.ln1(memory), layout, memory_layout, up, logit_indices)
        logits: Tensor = self.head(x)  # (P, vocabulary)
        return logits

    def new_cache(self, capacity: int) -> Cache:
        """See ``CharacterModel.new_cache``."""
        latents, spread = self.latents.reader_of(capacity - 1) + 1, self.config.latents == "spread"
        capacities = [capacity, capacity if spread else latents, *[latents] * len(self.blocks)]
        memory = VectorCache(capacity) if spread else None
        return Cache([LayerCache(n) for n in capacities], memory)
