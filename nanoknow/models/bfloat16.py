"""A model that multiplies in bfloat16, to sample from.

Autocast casts every weight again at every call when nothing is trained, and a CPU's kernels for
matrix products put it into their own order again: at one character a step that costs more than
the products. Here both are done once.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import MLP, Attention


def in_bfloat16(model: CharacterModel) -> CharacterModel:
    """Return a copy whose linear layers and attention compute in bfloat16.

    Embeddings, LayerNorm and the residual stream stay in float32, as under autocast in training.
    """
    model = copy.deepcopy(model).requires_grad_(False)
    for module in list(model.modules()):
        if isinstance(module, Attention):
            module.joined = Bfloat16Linear(module.query, module.key, module.value)
        if isinstance(module, MLP):
            module.activation = nn.Identity()
        for name, part in module.named_children():
            if isinstance(part, nn.Linear):
                gelu = isinstance(module, MLP) and name == "expand"
                setattr(module, name, Bfloat16Linear(part, gelu=gelu))
    return model


class Bfloat16Linear(nn.Module):
    """Linear layers of one input side by side, from (N, d_in) to bfloat16 (N, sum of d_out)."""

    def __init__(self, *layers: nn.Linear, gelu: bool = False) -> None:
        super().__init__()
        biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
        weights: list[Tensor] = [layer.weight for layer in layers]
        self.weight = torch.cat(weights).bfloat16()
        self.bias = torch.cat(biases).bfloat16() if biases else None
        self.gelu = gelu
        self.is_packed = self.weight.device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        if self.is_packed:
            # What torch.compile, too, turns a linear layer of fixed weights into.
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, d_in) to (N, sum of d_out)."""
        x = x.bfloat16()
        if self.is_packed:
            then = "gelu" if self.gelu else "none"
            out: Tensor = torch.ops.mkldnn._linear_pointwise(
                x, self.weight, self.bias, then, [], "none"
            )
            return out
        y = F.linear(x, self.weight, self.bias)
        return F.gelu(y) if self.gelu else y
