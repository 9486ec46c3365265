"""The ordinary causal transformer (minGPT's shape, the original assignment's sizes)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nanoknow.config.models import VanillaConfig
from nanoknow.data.batch import Layout
from nanoknow.models.base import CharacterModel
from nanoknow.models.cache import Cache, LayerCache
from nanoknow.models.layers import Attention, Block, Embedding, Head, Rotation


class Vanilla(CharacterModel):
    """Embedding → L blocks → head."""

    config: VanillaConfig

    def __init__(self, config: VanillaConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        d, heads, dropout = config.d_model, config.n_heads, config.dropout
        rotary, length = config.positions == "rotary", config.block_size
        rotation = Rotation(torch.arange(length), d // heads) if rotary else None
        self.embedding = Embedding(vocab_size, length, d, dropout, rotary=rotary)
        self.blocks = nn.ModuleList(
            Block(Attention(d, heads, dropout, rotation), d, dropout)
            for _ in range(config.n_layers)
        )
        self.head = Head(d, vocab_size)

    def logits(
        self,
        tokens: Tensor,
        layout: Layout,
        cache: Cache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """See ``CharacterModel.logits``."""
        x = self.embedding(tokens, layout)  # (N, d)
        each: Sequence[LayerCache | None] = cache.layers if cache else [None] * len(self.blocks)
        for block, layer_cache in zip(self.blocks, each, strict=True):
            is_last = block is self.blocks[-1]
            x = block(x, layout, layer_cache, logit_indices if is_last else None)
        logits: Tensor = self.head(x)  # (P, vocabulary)
        return logits

    def new_cache(self, capacity: int) -> Cache:
        """See ``CharacterModel.new_cache``."""
        return Cache([LayerCache(capacity) for _ in self.blocks])
