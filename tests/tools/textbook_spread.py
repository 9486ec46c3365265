"""The textbook's perceiver whose latents are spread over the block."""

import math

import torch
from torch import Tensor

from tests.tools.textbook_models import Sizes, TextbookPerceiver


class TextbookSpreadPerceiver(TextbookPerceiver):
    """The same parameters; latent j reads the first ceil((j+1)·block/m) characters.

    Output t reads the latents whose characters are all there by t, and the characters after the
    last of them. All of both are computed, side by side in one list of keys, and masks do the
    rest. A latent starts from its basis and its last character, and with rotary positions has
    that one's; an output starts from its character and the last latent that it reads.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.rotary = sizes.rotary

    def trunk(self, x: Tensor) -> Tensor:
        """Down, along and up again, each step with its mask."""
        t, m = x.size(1), self.down.basis.size(1)
        ends = [math.ceil((j + 1) * self.block_size / m) for j in range(m)]
        n_complete = [sum(end <= i + 1 for end in ends) for i in range(t)]  # of output i
        reads = torch.zeros(m, t, dtype=torch.bool)
        for j in range(m):
            reads[j, : ends[j]] = True
        sees = torch.zeros(t, m + t, dtype=torch.bool)
        for i, n in enumerate(n_complete):
            sees[i, :n] = True
            sees[i, m + [0, *ends][n] : m + i + 1] = True
        characters_at = list(range(t)) if self.rotary else None
        latents_at = [end - 1 for end in ends] if self.rotary else None
        both_at = latents_at + characters_at if latents_at and characters_at else None

        # Latents that end past the text are read by nothing, whatever they start from.
        start = self.down.basis + x[:, [min(end, t) - 1 for end in ends]]  # (B, m, d)
        y = self.down(start, self.down.ln1(start), x, reads, latents_at, characters_at)
        y = self.along(y, None, latents_at, latents_at)  # (B, m, d)
        both = self.up.ln1(torch.cat([y, x], dim=1))  # (B, m + T, d)
        none = torch.zeros_like(y[:, :1])
        x = x + torch.cat([none, y], dim=1)[:, n_complete]  # (B, T, d)
        output: Tensor = self.up(x, self.up.ln1(x), both, sees, characters_at, both_at)
        return output
