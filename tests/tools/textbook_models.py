"""The experiment as a textbook would write it: padded batches, explicit attention, no shortcuts.

Written from the specification alone, sharing no line with nanoknow, so that agreement between
the two means something. It is also the baseline that benchmarks are measured against, so it does
the work the original does: every pad computed, no cache, one question at a time.

Shapes: B batch, T sequence length, d width, h heads, m latents, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, MASK = "□", "⁇"
PAD_ID = 0


def turn(x: Tensor, at: Sequence[int]) -> Tensor:
    """Turn the pairs (i, i + width/2) of (B, h, T, width) by position times frequency."""
    half = x.size(-1) // 2
    frequencies = torch.tensor([10_000.0 ** (-i / half) for i in range(half)], dtype=x.dtype)
    angles = torch.tensor(at, dtype=x.dtype).unsqueeze(1) * frequencies  # (T, width/2)
    left, right = x[..., :half], x[..., half:]
    cos, sin = torch.cos(angles), torch.sin(angles)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], dim=-1)


class TextbookAttention(nn.Module):
    """Causal multi-head attention: query i sees keys up to i, also where lengths differ."""

    causal: Tensor

    def __init__(self, d_model: int, n_heads: int, block_size: int, dropout: float) -> None:
        super().__init__()
        assert d_model % n_heads == 0
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.proj = nn.Linear(d_model, d_model)
        self.attn_dropout = nn.Dropout(dropout)
        self.resid_dropout = nn.Dropout(dropout)
        triangle = torch.ones(block_size, block_size, dtype=torch.bool).tril()
        # not persistent: a state dict then holds the weights and nothing else
        self.register_buffer("causal", triangle, persistent=False)

    def forward(
        self,
        query_input: Tensor,
        key_value_input: Tensor,
        seen: Tensor | None = None,
        query_at: Sequence[int] | None = None,
        key_at: Sequence[int] | None = None,
    ) -> Tensor:
        """Attend from (B, Tq, d) to (B, Tk, d), giving (B, Tq, d).

        seen (Tq, Tk) stands in for the triangle; positions, where given, turn queries and keys.
        """
        b, tq, d = query_input.size()
        tk = key_value_input.size(1)
        h, d_head = self.n_heads, d // self.n_heads
        q = self.query(query_input).view(b, tq, h, d_head).transpose(1, 2)  # (B, h, Tq, d/h)
        k = self.key(key_value_input).view(b, tk, h, d_head).transpose(1, 2)  # (B, h, Tk, d/h)
        v = self.value(key_value_input).view(b, tk, h, d_head).transpose(1, 2)  # (B, h, Tk, d/h)

        if query_at is not None and key_at is not None:
            q, k = turn(q, query_at), turn(k, key_at)

        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(d_head))  # (B, h, Tq, Tk)
        seen = self.causal[:tq, :tk] if seen is None else seen
        scores = scores.masked_fill(~seen, float("-inf"))
        weights = self.attn_dropout(functional.softmax(scores, dim=-1))  # (B, h, Tq, Tk)
        heads = weights @ v  # (B, h, Tq, d/h)
        joined = heads.transpose(1, 2).contiguous().view(b, tq, d)  # (B, Tq, d)
        output: Tensor = self.resid_dropout(self.proj(joined))
        return output


class BlockParts(nn.Module):
    """What every kind of block holds; each kind wires it differently."""

    def __init__(self, d_model: int, n_heads: int, block_size: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(d_model)
        self.ln2 = nn.LayerNorm(d_model)
        self.attn = TextbookAttention(d_model, n_heads, block_size, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(approximate="none"),
            nn.Linear(4 * d_model, d_model),
            nn.Dropout(dropout),
        )


class TextbookBlock(BlockParts):
    """An ordinary pre-norm decoder block."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, d) to (B, T, d)."""
        normed = self.ln1(x)  # (B, T, d)
        x = x + self.attn(normed, normed)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


class TextbookDownBlock(BlockParts):
    """First perceiver block: a learned basis of m latents reads the embedded input."""

    def __init__(
        self, d_model: int, n_heads: int, block_size: int, dropout: float, bottleneck_dim: int
    ) -> None:
        super().__init__(d_model, n_heads, block_size, dropout)
        assert bottleneck_dim <= block_size
        self.basis = nn.Parameter(torch.empty(1, bottleneck_dim, d_model))  # (1, m, d)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, d) to (B, m, d)."""
        basis = self.basis.expand(x.size(0), -1, -1)  # (B, m, d)
        y = basis + self.attn(self.ln1(basis), x)  # (B, m, d)
        output: Tensor = y + self.mlp(self.ln2(y))
        return output


class TextbookUpBlock(BlockParts):
    """Last perceiver block: the embedded input reads the latents."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map embedded input x (B, T, d) and latents y (B, m, d) to (B, T, d)."""
        x = x + self.attn(x, self.ln1(y))  # (B, T, d)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


def initialise(module: nn.Module) -> None:
    """Give every linear layer, embedding and LayerNorm its first values."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)


class TextbookModel(nn.Module):
    """What the variants share: embedding, final LayerNorm, untied head, loss."""

    def __init__(self, vocab_size: int, block_size: int, d_model: int, dropout: float) -> None:
        super().__init__()
        self.block_size = block_size
        self.pos_emb: nn.Parameter | None
        self.tok_emb = nn.Embedding(vocab_size, d_model)
        self.pos_emb = nn.Parameter(torch.zeros(1, block_size, d_model))
        self.drop = nn.Dropout(dropout)
        self.ln_f = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)

    def trunk(self, x: Tensor) -> Tensor:
        """All blocks, from embedded input (B, T, d) to (B, T, d)."""
        raise NotImplementedError

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits (B, T, V) for ids (B, T), and the mean loss over targets (B, T) but pads."""
        t = idx.size(1)
        assert t <= self.block_size
        x = self.tok_emb(idx)  # (B, T, d)
        if self.pos_emb is not None:
            x = x + self.pos_emb[:, :t, :]
        x = self.drop(x)
        logits: Tensor = self.head(self.ln_f(self.trunk(x)))  # (B, T, V)
        if targets is None:
            return logits, None
        loss = functional.cross_entropy(
            logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=PAD_ID
        )
        return logits, loss


class TextbookVanilla(TextbookModel):
    """The plain decoder."""

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
    ) -> None:
        super().__init__(vocab_size, block_size, d_model, dropout)
        self.blocks = nn.ModuleList(
            TextbookBlock(d_model, n_heads, block_size, dropout) for _ in range(n_layers)
        )
        self.apply(initialise)

    def trunk(self, x: Tensor) -> Tensor:
        """All blocks at the length of the input."""
        for block in self.blocks:
            x = block(x)  # (B, T, d)
        return x


class TextbookPerceiver(TextbookModel):
    """Down to m latents, causal blocks at length m, up again; latent i reads characters <= i."""

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        n_layers: int,
        n_heads: int,
        d_model: int,
        dropout: float,
        bottleneck_dim: int,
    ) -> None:
        super().__init__(vocab_size, block_size, d_model, dropout)
        assert n_layers >= 2
        self.down = TextbookDownBlock(d_model, n_heads, block_size, dropout, bottleneck_dim)
        self.blocks = nn.ModuleList(
            TextbookBlock(d_model, n_heads, block_size, dropout) for _ in range(n_layers - 2)
        )
        self.up = TextbookUpBlock(d_model, n_heads, block_size, dropout)
        self.apply(initialise)
        # on three dimensions fan-in and fan-out are m*d and d: the original's range, kept
        nn.init.xavier_uniform_(self.down.basis)

    def trunk(self, x: Tensor) -> Tensor:
        """All m latents are computed, however short the input."""
        y = self.down(x)  # (B, m, d)
        for block in self.blocks:
            y = block(y)  # (B, m, d)
        output: Tensor = self.up(x, y)  # (B, T, d)
        return output
