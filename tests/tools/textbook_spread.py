"""The textbook's perceiver whose latents are spread over the block."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tests.tools.textbook_models import BlockParts, TextbookPerceiver


class TextbookSpreadPerceiver(TextbookPerceiver):
    """The same parameters; latent j reads the first ceil((j+1)·block/m) characters.

    Output t reads the latents whose characters are all there by t, and the characters after the
    last of them. All of both are computed, side by side in one list of keys, and masks do the
    rest. A latent starts from its basis and its last character, and with rotary positions stands
    where that one does; an output starts from its character and the last latent that it reads.
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
        bottleneck_dim: int,
        rotary: bool,
    ) -> None:
        super().__init__(
            vocab_size, block_size, n_layers, n_heads, d_model, dropout, bottleneck_dim
        )
        self.rotary = rotary
        if rotary:
            self.register_parameter("pos_emb", None)

    def trunk(self, x: Tensor) -> Tensor:
        """Down, along and up again, each step with its mask."""
        t = x.size(1)
        m = self.down.basis.size(1)
        ends = [math.ceil((j + 1) * self.block_size / m) for j in range(m)]
        reads = torch.zeros(m, t, dtype=torch.bool)
        for j in range(m):
            reads[j, : ends[j]] = True
        earlier = torch.ones(m, m, dtype=torch.bool).tril()
        sees = torch.zeros(t, m + t, dtype=torch.bool)
        for i in range(t):
            last_end = 0
            for j in range(m):
                if ends[j] <= i + 1:
                    sees[i, j] = True
                    last_end = ends[j]
            sees[i, m + last_end : m + i + 1] = True
        latents_at = [end - 1 for end in ends] if self.rotary else None
        characters_at = list(range(t)) if self.rotary else None
        both_at = latents_at + characters_at if latents_at and characters_at else None

        # Latents that end past the text are read by nothing, whatever they start from.
        start = self.down.basis + x[:, [min(end, t) - 1 for end in ends]]  # (B, m, d)
        gathered = self.down.attn(self.down.ln1(start), x, reads, latents_at, characters_at)
        y = start + gathered  # (B, m, d)
        y = y + self.down.mlp(self.down.ln2(y))
        for block in self.blocks:
            assert isinstance(block, BlockParts)
            normed = block.ln1(y)
            y = y + block.attn(normed, normed, earlier, latents_at, latents_at)
            y = y + block.mlp(block.ln2(y))
        both = self.up.ln1(torch.cat([y, x], dim=1))  # (B, m + T, d)
        for i in range(t):
            complete = [j for j in range(m) if ends[j] <= i + 1]
            if complete:
                x = x + nn.functional.pad(y[:, complete[-1:]], (0, 0, i, t - 1 - i))  # i alone
        x = x + self.up.attn(self.up.ln1(x), both, sees, characters_at, both_at)  # (B, T, d)
        output: Tensor = x + self.up.mlp(self.up.ln2(x))
        return output
