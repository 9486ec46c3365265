"""Convert a model to bfloat16 products, to decode faster.

Outside training, autocast casts every weight at every call, and a CPU's kernels for matrix
products reorder it at every call: at one character a step, this costs more than the products. Here
both are done once, in advance.

What is left at one character a step is the time to read the weights from memory. Rounding them to
eight bits, with a scale for each row (the plainest form of Dettmers et al., 2022, "LLM.int8()"),
halves it.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanoknow.models import private_ops
from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import MLP, Block, Head


def in_bfloat16(model: CharacterModel, *, eight_bits: bool = False) -> CharacterModel:
    """Return a copy whose linear layers and attention compute in bfloat16.

    Embeddings, LayerNorm and the residual stream stay in float32, as under autocast in training.

    Args:
        model: a model in float32; it stays as it is.
        eight_bits: round the weights of the blocks to eight bits; on a CPU only.
    """
    model = copy.deepcopy(model).requires_grad_(False)
    for module in list(model.modules()):
        if isinstance(module, Block):  # all three have one input, so they become one product
            attention = module.attention
            layers = (attention.query, attention.key, attention.value)
            attention.joined = Bfloat16Linear(*layers, eight_bits=eight_bits)
            del attention.query, attention.key, attention.value
        if isinstance(module, MLP):
            module.activation = nn.Identity()
        for name, part in module.named_children():
            if isinstance(part, nn.Linear):
                gelu = isinstance(module, MLP) and name == "expand"
                rounded = eight_bits and not isinstance(module, Head)
                setattr(module, name, Bfloat16Linear(part, gelu=gelu, eight_bits=rounded))
    return model


class Bfloat16Linear(nn.Module):
    """One or more linear layers of the same input: (N, d_in) to bfloat16 (N, sum of d_out)."""

    def __init__(self, *layers: nn.Linear, gelu: bool = False, eight_bits: bool = False) -> None:
        super().__init__()
        weight = torch.cat([layer.weight for layer in layers])
        biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = torch.cat(biases).bfloat16() if biases else None
        self.gelu = gelu
        self.rounded: tuple[Tensor, Tensor] | None = None
        if eight_bits:
            scale = (weight.abs().amax(1) / 127).clamp(min=1e-12).bfloat16()  # (d_out,)
            steps = (weight / scale[:, None]).round().clamp(-127, 127).to(torch.int8)
            self.rounded = steps, scale
            weight = steps * scale[:, None].float()
        self.weight = private_ops.packed(weight.bfloat16())

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, d_in) to (N, sum of d_out)."""
        x = x.bfloat16()
        if self.rounded is None or x.shape[0] > 1:
            return private_ops.linear(x, self.weight, self.bias, gelu=self.gelu)
        y = private_ops.int8_linear(x, *self.rounded)  # (1, sum of d_out)
        y = y if self.bias is None else y.add_(self.bias)
        return F.gelu(y) if self.gelu else y
