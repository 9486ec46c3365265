"""The modules that every model consists of: attention, MLP, block, embedding, head.

Shapes: N flat tokens (see ``data.batch``), B sequences of a group, T or S their length, d the
model's width, h heads of d/h each.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.data.batch import Layout
from nanoknow.models.cache import LayerCache, attend_to_cache
from nanoknow.models.cpu_ops import attend, dropout


class Rotation(nn.Module):
    """Turns queries and keys by their positions (RoPE, Su et al., 2021).

    Their products then depend on the distance of two characters, not on their positions.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, positions: Tensor, width: int) -> None:
        """Precompute the angles.

        Args:
            positions: (ℓ,) int64, the position of the i-th vector of a sequence.
            width: d/h.
        """
        super().__init__()
        frequencies = 10_000.0 ** (-torch.arange(width // 2) / (width // 2))  # (d/2h,)
        angles = positions[:, None] * frequencies  # (ℓ, d/2h)
        cos, sin = angles.cos(), angles.sin()
        # x·cos + swapped x·sin turns both halves at once.
        self.register_buffer("cos", torch.cat([cos, cos], 1), persistent=False)  # (ℓ, d/h)
        self.register_buffer("sin", torch.cat([-sin, sin], 1), persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Turn (N, h, d/h), each by its (N,) position."""
        cos, sin = (t[positions].to(x.dtype)[:, None] for t in (self.cos, self.sin))  # (N, 1, d/h)
        return torch.addcmul(x * cos, x.roll(x.shape[2] // 2, 2), sin)


class Attention(nn.Module):
    """Multi-head causal attention (Vaswani et al., 2017), of a sequence to itself or another.

    The query with index i sees the keys with indices ≤ i (the top-left corner of the causal
    triangle if there are more of one than of the other), or those that a mask lets it see.
    """

    mask: Tensor | None

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        dropout: float,
        rotation: Rotation | None,
        key_rotation: Rotation | None = None,
        mask: Tensor | None = None,
    ) -> None:
        """Make an attention.

        Args:
            d_model: width of queries' and keys' input.
            n_heads: h, which divides it.
            dropout: probability for the weights and for the output.
            rotation: turns queries and keys; None where positions are learned.
            key_rotation: turns the keys, if their positions are not the queries'.
            mask: (T, S) bool for the longest sequences; None for keys up to the query's index.
        """
        super().__init__()
        self.n_heads = n_heads
        self.rotation = rotation
        self.key_rotation = key_rotation or rotation
        self.register_buffer("mask", mask, persistent=False)
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.joined: nn.Module | None = None  # replaces these three: see in_bfloat16
        self.projection = nn.Linear(d_model, d_model)
        self.dropout = dropout

    def forward(
        self,
        query_input: Tensor,
        key_value_input: Tensor,
        query_layout: Layout,
        key_value_layout: Layout,
        cache: LayerCache | None = None,
    ) -> Tensor:
        """Let each query gather values.

        Args:
            query_input: (N_q, d).
            key_value_input: (N_k, d), of the same sequences, perhaps at other positions.
            query_layout: how the N_q queries form sequences.
            key_value_layout: the same for the N_k keys.
            cache: earlier keys and values; with it both layouts have one group.

        Returns:
            (N_q, d).
        """
        if self.joined is not None:
            q, k, v = self._by_head(self.joined(query_input), 3)
        elif query_input is key_value_input:
            q, k, v = self._project(query_input, self.query, self.key, self.value)
        else:
            (q,) = self._project(query_input, self.query)
            k, v = self._project(key_value_input, self.key, self.value)
        if self.rotation is not None and self.key_rotation is not None:
            q = self.rotation(q, query_layout.positions)
            k = self.key_rotation(k, key_value_layout.positions)
        if cache is None:
            p = self.dropout if self.training else 0.0
            c = attend(q, k, v, query_layout, key_value_layout, p, self.mask)  # (N_q, h, d/h)
        else:
            c = attend_to_cache(q, k, v, query_layout, key_value_layout, cache, self.mask)
        out = self.projection(c.flatten(1))
        return dropout(out, self.dropout) if self.training else out

    def _project(self, x: Tensor, *layers: nn.Module) -> tuple[Tensor, ...]:
        """Map (N, d) by several layers, each to (N, h, d/h), in one product where it pays."""
        if torch.is_grad_enabled():
            weight, bias = (torch.cat([getattr(y, n) for y in layers]) for n in ("weight", "bias"))
            return self._by_head(F.linear(x, weight, bias), len(layers))
        # When decoding one character at a time, joining the weights costs more than it saves.
        return tuple(layer(x).unflatten(1, (self.n_heads, -1)) for layer in layers)

    def _by_head(self, x: Tensor, n: int) -> tuple[Tensor, ...]:
        """Split (N, n·d) into n of (N, h, d/h)."""
        return x.view(len(x), n, self.n_heads, -1).unbind(1)


class MLP(nn.Module):
    """d → 4d → d with exact GELU (Hendrycks & Gimpel, 2016), on (N, d)."""

    def __init__(self, d_model: int, dropout: float) -> None:
        super().__init__()
        self.expand = nn.Linear(d_model, 4 * d_model)
        self.activation: nn.Module = nn.GELU()
        self.contract = nn.Linear(4 * d_model, d_model)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, d) to (N, d)."""
        out: Tensor = self.contract(self.activation(self.expand(x)))
        return dropout(out, self.dropout) if self.training else out


class CrossBlock(nn.Module):
    """Pre-norm block: x + attention(query, memory), then x + mlp(ln2 x).

    The caller decides what queries and memory are, and whether ``ln1`` normalizes them.
    """

    def __init__(self, attention: Attention, d_model: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(d_model)
        self.attention = attention
        self.ln2 = nn.LayerNorm(d_model)
        self.mlp = MLP(d_model, dropout)

    def read(
        self,
        x: Tensor,
        query: Tensor,
        memory: Tensor,
        layout: Layout,
        memory_layout: Layout,
        cache: LayerCache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """Map the residual stream, (N, d), to (N, d), or to the (P, d) of ``logit_indices``.

        Args:
            x: the residual stream.
            query: (N, d) what queries are computed from.
            memory: (N_k, d) what keys and values are computed from.
            layout: how ``x`` and ``query`` form sequences.
            memory_layout: the same for their memory.
            cache: earlier keys and values.
            logit_indices: (P,) which of the N to return; None for all.
        """
        x = x + self.attention(query, memory, layout, memory_layout, cache)  # (N, d)
        if logit_indices is not None:
            x = F.embedding(logit_indices, x)  # its backward is faster than that of indexing
        out: Tensor = x + self.mlp(self.ln2(x))  # (P, d)
        return out


class Block(CrossBlock):
    """The ordinary block, of self-attention: x + attention(ln1 x), then x + mlp(ln2 x)."""

    def forward(
        self,
        x: Tensor,
        layout: Layout,
        cache: LayerCache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """Map (N, d) to (N, d), or to the (P, d) of ``logit_indices``."""
        y = self.ln1(x)
        return self.read(x, y, y, layout, layout, cache, logit_indices)


class Embedding(nn.Module):
    """Token embedding, plus a learned position embedding unless rotary; then dropout."""

    def __init__(
        self, vocab_size: int, block_size: int, d_model: int, dropout: float, *, rotary: bool
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = None if rotary else nn.Parameter(torch.zeros(block_size, d_model))
        self.dropout = dropout

    def forward(self, tokens: Tensor, layout: Layout) -> Tensor:
        """Map (N,) ids to (N, d)."""
        x: Tensor = self.token(tokens)
        if self.position is not None:
            x = x + F.embedding(layout.positions, self.position)
        return dropout(x, self.dropout) if self.training else x


class Head(nn.Module):
    """Final LayerNorm, then logits by an untied linear layer without bias."""

    def __init__(self, d_model: int, vocab_size: int) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(d_model)
        self.linear = nn.Linear(d_model, vocab_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, d) to (N, vocabulary) logits."""
        logits: Tensor = self.linear(self.ln(x))
        return logits
