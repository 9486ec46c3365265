"""A model that multiplies in bfloat16, to sample from.

Autocast casts every weight again at every call when nothing is trained: at one character a step
that costs more than the products. Here the weights are cast once.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.models.base import CharacterModel


def in_bfloat16(model: CharacterModel) -> CharacterModel:
    """Return a copy whose linear layers and attention compute in bfloat16.

    Embeddings, LayerNorm and the residual stream stay in float32, as under autocast in training.
    """
    model = copy.deepcopy(model).requires_grad_(False)
    for module in list(model.modules()):
        for name, part in module.named_children():
            if isinstance(part, nn.Linear):
                setattr(module, name, Bfloat16Linear(part))
    return model


class Bfloat16Linear(nn.Module):
    """A linear layer with its weights in bfloat16, from (N, d_in) to bfloat16 (N, d_out)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.bfloat16(), requires_grad=False)
        self.bias: nn.Parameter | None = None
        if linear.bias is not None:
            self.bias = nn.Parameter(linear.bias.bfloat16(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, d_in) to (N, d_out)."""
        x = x.bfloat16()
        if len(x) == 1 and self.bias is not None:
            # For one row a CPU only waits for the weights; the product of matrices waits longer.
            return torch.addmv(self.bias, self.weight, x[0])[None]
        return F.linear(x, self.weight, self.bias)
