"""What a model caches of sequences while it decodes them, and attention to that."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nanoknow.data.batch import Layout
from nanoknow.models.cpu_ops import attend, by_head


@dataclass
class VectorCache:
    """Vectors of B sequences by position.

    Attributes:
        capacity: positions to allocate.
        vectors: (B, …, capacity, width), zero where nothing has been written; None at first.
    """

    capacity: int
    vectors: Tensor | None = None

    def write(self, new: Tensor, layout: Layout) -> Tensor:
        """Put (B, …, T, width) vectors at their positions; return all, (B, …, capacity, width).

        The first call writes positions 0 … T - 1. A later one may overwrite: padding after a
        prompt gives way to the characters decoded there.
        """
        n = new.shape[-2]
        if self.vectors is None:
            self.vectors = new.new_zeros(*new.shape[:-2], self.capacity, new.shape[-1])
        if layout.start is not None:
            # scatter costs several times as much
            self.vectors[..., layout.start : layout.start + n, :] = new
        else:
            [positions] = layout.rectangles(layout.positions)  # (B, T)
            index = positions.view(len(new), *[1] * (new.dim() - 3), -1, 1)  # (B, …, T, 1)
            self.vectors.scatter_(-2, index.expand_as(new), new)
        return self.vectors

    def select(self, rows: Tensor, moved: Tensor) -> None:
        """Keep the sequences ``rows``, of which those at ``moved`` change place: see ``Cache``."""
        if self.vectors is None:
            return
        if len(rows) > len(self.vectors):
            self.vectors = self.vectors[rows]
        else:  # most stay where they are, and are not copied
            self.vectors[moved] = self.vectors[rows[moved]]
            self.vectors = self.vectors[: len(rows)]


class LayerCache:
    """Keys and values that one attention has computed, both (B, h, capacity, d/h)."""

    def __init__(self, capacity: int) -> None:
        self.keys, self.values = VectorCache(capacity), VectorCache(capacity)


@dataclass
class Cache:
    """What a model caches of B sequences.

    Attributes:
        layers: the keys and values of each attention.
        memory: (B, capacity, d) what characters read in a perceiver with spread latents, else None.
    """

    layers: list[LayerCache]
    memory: VectorCache | None = None

    def select(self, rows: Tensor) -> None:
        """Keep the sequences with the given indices, of which one may occur several times."""
        moved = torch.nonzero(rows != torch.arange(len(rows), device=rows.device)).flatten()
        caches = [each for layer in self.layers for each in (layer.keys, layer.values)]
        for each in [*caches, self.memory]:
            if each is not None:
                each.select(rows, moved)


def attend_to_cache(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    query_layout: Layout,
    key_layout: Layout,
    cache: LayerCache,
    mask: Tensor | None,
) -> Tensor:
    """Cache keys and values, then let each query attend to all that it may see.

    Args:
        q: (N_q, h, d/h) queries.
        k: (N_k, h, d/h) keys.
        v: (N_k, h, d/h) values.
        query_layout: one group, how the N_q queries form sequences.
        key_layout: the same for the N_k keys.
        cache: earlier keys and values of the same sequences.
        mask: (T, S) bool, see ``attend``.

    Returns:
        (N_q, h, d/h).
    """
    is_first = cache.keys.vectors is None
    layouts = (query_layout, key_layout, key_layout)
    [queries], [new_keys], [new_values] = map(by_head, (q, k, v), layouts)
    keys = cache.keys.write(new_keys, key_layout)  # (B, h, capacity, d/h)
    values = cache.values.write(new_values, key_layout)
    if is_first:
        return attend(q, k, v, query_layout, key_layout, 0.0, mask)
    end = query_layout.end if mask is None else key_layout.end
    keys, values = keys[:, :, :end], values[:, :, :end]  # most of a cache is empty at first
    seen = None
    # Without a mask, and if the end is known, the keys end at the last query: alone it sees all.
    if mask is not None or query_layout.start is None or queries.shape[2] > 1:
        [positions] = query_layout.rectangles(query_layout.positions)  # (B, T)
        if mask is None:
            seen = torch.arange(keys.shape[2], device=q.device) <= positions[:, :, None]
        else:
            seen = mask[:, : keys.shape[2]][positions]  # (B, T, S)
        seen = seen[:, None]
    c = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
    return c.transpose(1, 2).flatten(0, 1)
