"""Dropout and attention for training on a CPU, where torch's own are slow.

Most of a step's time goes there into three things: dropout draws one number for each element, in
one thread; fused attention has no dropout, and a slow backward in bfloat16; autograd copies the
sequences of every group several times. So on a CPU one draw serves eight elements, and attention
over all groups is one function with its own backward. On other devices torch's own are used.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from nanoknow.data.batch import Layout
from nanoknow.models.private_ops import softmax_backward


def dropout(x: Tensor, p: float) -> Tensor:
    """Set each element to 0 with probability ``p``, and scale the rest to keep the mean.

    On a CPU each call uses one of the two multiples of 1/256 next to p, drawn so that their mean
    is p, and scales by the one it used.
    """
    if p == 0.0 or x.device.type != "cpu":
        return F.dropout(x, p)
    dropped: Tensor = _Dropout.apply(x, p)  # type: ignore[no-untyped-call]
    return dropped


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    query_layout: Layout,
    key_layout: Layout,
    p: float,
    mask: Tensor | None = None,
) -> Tensor:
    """Gather values by causal attention within each sequence (Vaswani et al., 2017).

    Args:
        q: (N_q, h, d/h) queries.
        k: (N_k, h, d/h) keys.
        v: (N_k, h, d/h) values.
        query_layout: how the N_q queries form sequences.
        key_layout: the same for the N_k keys.
        p: dropout probability of the attention weights.
        mask: (T, S) bool, at least as large as any group: which keys, one or more, each query of
            a sequence sees; None for the keys up to the query's own index.

    Returns:
        (N_q, h, d/h).
    """
    if q.device.type == "cpu" and torch.is_grad_enabled():
        gathered: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
            q, k, v, query_layout, key_layout, p, mask
        )
        return gathered
    parts = []
    layouts = (query_layout, key_layout, key_layout)
    for q_, k_, v_ in zip(*map(by_head, (q, k, v), layouts), strict=True):
        seen = None if mask is None else mask[: q_.shape[2], : k_.shape[2]]
        part = F.scaled_dot_product_attention(
            q_, k_, v_, attn_mask=seen, is_causal=seen is None, dropout_p=p
        )
        parts.append(part.transpose(1, 2).flatten(0, 1))
    return torch.cat(parts)


def by_head(flat: Tensor, layout: Layout) -> list[Tensor]:
    """View (N, h, d/h) as (B, h, T, d/h) for each group."""
    return [rows.transpose(1, 2) for rows in layout.rectangles(flat)]


def _threshold(p: float) -> tuple[int, float]:
    """Draw how many of 256 values to drop, p·256 on average; also return the scale for it."""
    threshold = min(int(p * 256 + torch.rand(()).item()), 255)
    return threshold, 256 / (256 - threshold)


def _kept(like: Tensor, threshold: int) -> Tensor:
    """Draw 1 for each element to keep and 0 for the others, eight from each random int64."""
    n = like.numel()
    draws = torch.empty(-(-n // 8), dtype=torch.int64).random_(-(2**63), None)
    kept = torch.empty(n, dtype=like.dtype)
    torch.ge(draws.view(torch.int8)[:n], threshold - 128, out=kept)
    return kept.view(like.shape)


class _Dropout(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:  # noqa: ANN401
        threshold, ctx.scale = _threshold(p)
        kept = _kept(x, threshold)
        ctx.save_for_backward(kept)
        return (x * kept).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (kept,) = ctx.saved_tensors
        return (grads[0] * kept).mul_(ctx.scale), None


class _Attention(Function):
    """``attend`` as plain matrix products, one group after another."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        q: Tensor,
        k: Tensor,
        v: Tensor,
        query_layout: Layout,
        key_layout: Layout,
        p: float,
        mask: Tensor | None,
    ) -> Tensor:
        ctx.query_layout, ctx.key_layout, ctx.p = query_layout, key_layout, p
        threshold, ctx.scale = _threshold(p) if p else (0, 1.0)
        out = torch.empty(q.shape, dtype=q.dtype)
        if mask is None:
            longest = max(group.length for group in query_layout.groups + key_layout.groups)
            mask = torch.ones(longest, longest, dtype=torch.bool).tril()
        hidden = q.new_zeros(mask.shape).masked_fill_(~mask, -torch.inf)
        saved = []
        layouts = (query_layout, key_layout, key_layout, query_layout)
        for rectangles in zip(*map(by_head, (q, k, v, out), layouts), strict=True):
            q_, k_, v_ = (x.reshape(-1, *x.shape[2:]) for x in rectangles[:3])  # (B·h, T, d/h)
            t, s = q_.shape[1], k_.shape[1]
            weights = torch.baddbmm(
                hidden[:t, :s], q_, k_.transpose(1, 2), alpha=q_.shape[2] ** -0.5
            ).softmax(-1, dtype=q.dtype)  # (B·h, T, S)
            saved += [q_, k_, v_, weights]
            if p:
                kept = _kept(weights, threshold)
                weights = weights * kept
                saved += [kept, weights]
            gathered = _product(weights, v_, ctx.scale)  # (B·h, T, d/h)
            rectangles[3].copy_(gathered.view(rectangles[3].shape))
        ctx.save_for_backward(*saved)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        saved = iter(ctx.saved_tensors)
        n_keys = len(ctx.key_layout.positions)
        query_grad = torch.empty_like(grads[0])
        key_grad, value_grad = (grads[0].new_empty(n_keys, *grads[0].shape[1:]) for _ in "kv")
        tensors = (grads[0], query_grad, key_grad, value_grad)
        layouts = (ctx.query_layout, ctx.query_layout, ctx.key_layout, ctx.key_layout)
        each = zip(*map(by_head, tensors, layouts), strict=True)
        for above, query_out, key_out, value_out in each:
            q, k, v, weights = (next(saved) for _ in range(4))
            kept, thinned = (next(saved), next(saved)) if ctx.p else (None, weights)
            g = above.reshape(-1, *above.shape[2:])  # (B·h, T, d/h)
            by_weight = _product(g, v.transpose(1, 2), ctx.scale)  # (B·h, T, S)
            if kept is not None:
                by_weight.mul_(kept)
            by_score = softmax_backward(by_weight, weights)
            root = q.shape[2] ** -0.5
            for out, grad in (
                (query_out, _product(by_score, k, root)),
                (key_out, _product(by_score.transpose(1, 2), q, root)),
                (value_out, _product(thinned.transpose(1, 2), g, ctx.scale)),
            ):
                out.copy_(grad.view(out.shape))
        return query_grad, key_grad, value_grad, None, None, None, None


def _product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Return ``scale``·a·b, all of them stacks of matrices."""
    return torch.baddbmm(a.new_empty(1), a, b, beta=0.0, alpha=scale)
