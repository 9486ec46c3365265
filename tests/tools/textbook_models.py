"""The experiment as a textbook would write it: padded batches, explicit attention, no shortcuts.

Written from the specification alone, sharing no line with nanoknow, so that agreement between
the two means something. It is also the baseline that benchmarks are measured against, so it does
the work the original does: every pad computed, no cache, one question at a time.

Shapes: B batch, T sequence length, d width, h heads, m latents, V vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, MASK = "□", "⁇"
PAD_ID = 0


@dataclass(frozen=True)
class Sizes:
    """What a model is built from; the latents are the perceiver's."""

    vocab_size: int
    block_size: int
    n_layers: int
    n_heads: int
    d_model: int
    dropout: float
    n_latents: int = 0
    rotary: bool = False


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

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        d = sizes.d_model
        assert d % sizes.n_heads == 0
        self.n_heads = sizes.n_heads
        self.query = nn.Linear(d, d)
        self.key = nn.Linear(d, d)
        self.value = nn.Linear(d, d)
        self.proj = nn.Linear(d, d)
        self.attn_dropout = nn.Dropout(sizes.dropout)
        self.resid_dropout = nn.Dropout(sizes.dropout)
        triangle = torch.ones(sizes.block_size, sizes.block_size, dtype=torch.bool).tril()
        # not persistent: a state dict then holds the weights and nothing else
        self.register_buffer("causal", triangle, persistent=False)

    def heads(self, x: Tensor) -> Tensor:
        """Split (B, T, d) into the heads' shares, (B, h, T, d/h)."""
        b, t, d = x.shape
        return x.view(b, t, self.n_heads, d // self.n_heads).transpose(1, 2)

    def forward(
        self,
        query_input: Tensor,
        key_value_input: Tensor,
        seen: Tensor | None = None,
        query_at: Sequence[int] | None = None,
        key_at: Sequence[int] | None = None,
    ) -> Tensor:
        """Attend from (B, Tq, d) to (B, Tk, d), giving (B, Tq, d).

        seen (Tq, Tk) replaces the triangle; positions, where given, turn queries and keys.
        """
        q = self.heads(self.query(query_input))  # (B, h, Tq, d/h)
        k = self.heads(self.key(key_value_input))  # (B, h, Tk, d/h)
        v = self.heads(self.value(key_value_input))  # (B, h, Tk, d/h)
        if query_at is not None and key_at is not None:
            q, k = turn(q, query_at), turn(k, key_at)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(q.size(-1)))  # (B, h, Tq, Tk)
        seen = self.causal[: q.size(2), : k.size(2)] if seen is None else seen
        scores = scores.masked_fill(~seen, float("-inf"))
        weights = self.attn_dropout(functional.softmax(scores, dim=-1))  # (B, h, Tq, Tk)
        joined = (weights @ v).transpose(1, 2).flatten(2)  # (B, Tq, d)
        output: Tensor = self.resid_dropout(self.proj(joined))
        return output


class TextbookBlock(nn.Module):
    """A residual block; who calls it normalises what its attention reads."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(sizes.d_model)
        self.ln2 = nn.LayerNorm(sizes.d_model)
        self.attn = TextbookAttention(sizes)
        self.mlp = nn.Sequential(
            nn.Linear(sizes.d_model, 4 * sizes.d_model),
            nn.GELU(approximate="none"),
            nn.Linear(4 * sizes.d_model, sizes.d_model),
            nn.Dropout(sizes.dropout),
        )

    def forward(self, x: Tensor, queries: Tensor, keys_values: Tensor, *where: Any) -> Tensor:
        """Add to x (B, Tq, d) what its queries read of (B, Tk, d), then the MLP of that."""
        x = x + self.attn(queries, keys_values, *where)
        output: Tensor = x + self.mlp(self.ln2(x))
        return output


class TextbookDown(TextbookBlock):
    """The block that reads the input into latents, with the basis that they start from."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.basis = nn.Parameter(torch.empty(1, sizes.n_latents, sizes.d_model))  # (1, m, d)


def initialise(module: nn.Module) -> None:
    """Give every linear layer and embedding its first values; LayerNorms have 1 and 0."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, mean=0.0, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class TextbookModel(nn.Module):
    """What the variants share: embedding, ordinary blocks, final LayerNorm, untied head, loss."""

    blocks: nn.ModuleList

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.block_size = sizes.block_size
        self.pos_emb: nn.Parameter | None = None
        if not sizes.rotary:
            self.pos_emb = nn.Parameter(torch.zeros(1, sizes.block_size, sizes.d_model))
        self.tok_emb = nn.Embedding(sizes.vocab_size, sizes.d_model)
        self.drop = nn.Dropout(sizes.dropout)
        self.ln_f = nn.LayerNorm(sizes.d_model)
        self.head = nn.Linear(sizes.d_model, sizes.vocab_size, bias=False)

    def along(self, x: Tensor, *where: Any) -> Tensor:
        """The ordinary pre-norm blocks, (B, T, d) to (B, T, d)."""
        for block in self.blocks:
            assert isinstance(block, TextbookBlock)
            normed = block.ln1(x)
            x = block(x, normed, normed, *where)
        return x

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

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.blocks = nn.ModuleList(TextbookBlock(sizes) for _ in range(sizes.n_layers))
        self.apply(initialise)

    def trunk(self, x: Tensor) -> Tensor:
        """All blocks at the length of the input."""
        return self.along(x)


class TextbookPerceiver(TextbookModel):
    """Down to m latents, causal blocks at length m, up again; latent i reads characters <= i."""

    def __init__(self, sizes: Sizes) -> None:
        assert sizes.n_layers >= 2
        assert 1 <= sizes.n_latents <= sizes.block_size
        super().__init__(sizes)
        self.down = TextbookDown(sizes)
        self.blocks = nn.ModuleList(TextbookBlock(sizes) for _ in range(sizes.n_layers - 2))
        self.up = TextbookBlock(sizes)
        self.apply(initialise)
        # on three dimensions fan-in and fan-out are m*d and d: the original's range, kept
        nn.init.xavier_uniform_(self.down.basis)

    def trunk(self, x: Tensor) -> Tensor:
        """All m latents are computed, however short the input; both ends read it as it is."""
        basis = self.down.basis.expand(x.size(0), -1, -1)  # (B, m, d)
        y = self.along(self.down(basis, self.down.ln1(basis), x))  # (B, m, d)
        output: Tensor = self.up(x, x, self.up.ln1(y))  # (B, T, d)
        return output
