"""Operators of torch that are not public, each with a plain fallback where it is missing."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def softmax_backward(grad: Tensor, weights: Tensor) -> Tensor:
    """Return the gradient of the scores whose softmax along the last dimension is ``weights``.

    Args:
        grad: (…, S) the gradient of the weights.
        weights: (…, S).
    """
    operator = _operator("_softmax_backward_data")
    if operator is not None:
        return operator(grad, weights, -1, weights.dtype)
    product = grad * weights
    return product - weights * product.sum(-1, keepdim=True)


def packed(weight: Tensor) -> Tensor:
    """Return a (d_out, d_in) weight in the order in which a CPU's kernel reads it, for ``linear``.

    torch.compile does the same to linear layers with frozen weights. On another device, or if this
    build of torch cannot, the weight is returned as it is.
    """
    pack = _operator("ops.mkldnn._reorder_linear_weight")
    product = _operator("ops.mkldnn._linear_pointwise")
    if pack is not None and product is not None and weight.device.type == "cpu":
        with suppress(RuntimeError):  # a CPU whose kernels have no bfloat16
            return pack(weight)
    return weight


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> Tensor:
    """Map (N, d_in) to (N, d_out) by a ``packed`` weight, then apply exact GELU where asked to."""
    operator = _operator("ops.mkldnn._linear_pointwise")
    if weight.is_mkldnn and operator is not None:
        return operator(x, weight, bias, "gelu" if gelu else "none", [], "none")
    y = F.linear(x, weight, bias)
    return F.gelu(y) if gelu else y


def int8_linear(x: Tensor, steps: Tensor, scale: Tensor) -> Tensor:
    """Map (N, d_in) bfloat16 to (N, d_out) by a weight in int8 steps.

    Args:
        x: (N, d_in).
        steps: (d_out, d_in) int8.
        scale: (d_out,) bfloat16, the size of a step in each row.
    """
    operator = _operator("_weight_int8pack_mm")
    if operator is not None:
        return operator(x, steps, scale)
    return F.linear(x, steps.to(x.dtype)) * scale


def _operator(name: str) -> Callable[..., Tensor] | None:
    """Look up an operator by its name in torch; None if this build has none of that name."""
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    return found  # type: ignore[no-any-return]
