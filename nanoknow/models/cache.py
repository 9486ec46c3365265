"""Keys and values that decoding keeps, and attention to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.data.batch import Layout
from nanoknow.models.cpu_ops import attend


@dataclass
class LayerCache:
    """Keys and values that one attention has computed for some sequences, or other vectors.

    Attributes:
        capacity: positions to make room for.
        keys: (B, h, capacity, d/h), filled as positions are written; None before the first.
        values: the same shape, or narrower.
    """

    capacity: int
    keys: Tensor | None = field(default=None)
    values: Tensor | None = field(default=None)

    def write(self, keys: Tensor, values: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """Put (B, h, T, …) keys and values at their positions; return all of them.

        The first to come stand at positions 0 … T - 1. What stands at a position is overwritten:
        padding after a prompt gives way to the characters decoded in its place.
        """
        if self.keys is None or self.values is None:
            b, h, t, width = keys.shape
            self.keys = keys.new_zeros(b, h, self.capacity, width)
            self.values = values.new_zeros(b, h, self.capacity, values.shape[3])
            self.keys[:, :, :t], self.values[:, :, :t] = keys, values
            return self.keys, self.values
        if layout.end is not None and layout.groups == ((1, 1),):
            at = slice(layout.end - 1, layout.end)  # scatter costs several times as much
            self.keys[:, :, at], self.values[:, :, at] = keys, values
            return self.keys, self.values
        [positions] = layout.rectangles(layout.positions)  # (B, T)
        index = positions[:, None, :, None]
        self.keys.scatter_(2, index.expand_as(keys), keys)
        self.values.scatter_(2, index.expand_as(values), values)
        return self.keys, self.values

    def select(self, rows: Tensor) -> None:
        """Keep only some of the sequences."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


def attend_to_cache(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    query_layout: Layout,
    key_layout: Layout,
    cache: LayerCache,
    mask: Tensor | None,
) -> Tensor:
    """Write (N, h, d/h) keys and values and let the queries see all that they may.

    Args:
        q: (N_q, h, d/h) queries.
        k: (N_k, h, d/h) keys.
        v: (N_k, h, d/h) values.
        query_layout: one group, how the N_q places fall into sequences.
        key_layout: the same for the N_k places.
        cache: earlier keys and values of the same sequences.
        mask: (T, S) bool, see ``attend``.

    Returns:
        (N_q, h, d/h).
    """
    is_first = cache.keys is None
    keys, values = cache.write(_by_head(k, key_layout), _by_head(v, key_layout), key_layout)
    if is_first:
        return attend(q, k, v, query_layout, key_layout, 0.0, mask)
    end = query_layout.end if mask is None else key_layout.end
    keys, values = keys[:, :, :end], values[:, :, :end]  # at first most of a cache is left out
    c = _attend_earlier(_by_head(q, query_layout), keys, values, query_layout, mask)
    return c.transpose(1, 2).flatten(0, 1)


def _by_head(x: Tensor, layout: Layout) -> Tensor:
    """View the (N, h, d/h) of one group as (B, h, T, d/h)."""
    [group] = layout.groups
    return x.view(group.n_sequences, group.length, *x.shape[1:]).transpose(1, 2)


def _attend_earlier(q: Tensor, k: Tensor, v: Tensor, layout: Layout, mask: Tensor | None) -> Tensor:
    """Gather values for (B, h, T, d/h) queries from (B, h, S, d/h) of a cache.

    Without a mask the cache ends where the last query of the layout does, if that is known.
    """
    if mask is None and layout.end is not None and layout.groups == ((1, 1),):
        return F.scaled_dot_product_attention(q, k, v)
    [positions] = layout.rectangles(layout.positions)  # (B, T)
    if mask is None:
        steps = torch.arange(k.shape[2], device=q.device)  # (S,)
        seen = steps <= positions[:, :, None]  # (B, T, S)
    else:
        seen = mask[:, : k.shape[2]][positions]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None])
