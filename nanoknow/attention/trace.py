"""Attention traces: the weights of a forward pass, and those with which an answer was written.

Models need no change for this. While ``recording``, every call of torch's fused attention by an
``Attention`` is replaced: the weights are computed, kept, and multiplied with the values to give
the call's result. What is recorded is therefore what the logits come from.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nanoknow.config.models import PerceiverConfig
from nanoknow.data.tokenizer import Ids
from nanoknow.generation.decoding import Decoded, decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import Attention
from nanoknow.system.device import precise


@dataclass(frozen=True)
class Recorded:
    """One call of an attention.

    Attributes:
        layer: the name of its block in the model: ``blocks.0``, ``down``.
        weights: (B, h, T, S), each row of S sums to 1.
    """

    layer: str
    weights: Tensor


class _UnfusedAttention(TorchFunctionMode):
    """Computes fused attention as softmax(qkᵀ/√(d/h)) v, and passes the weights on."""

    def __init__(self, keep: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._keep = keep

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        given = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **given)
        q, k, v = args
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, h, T, S)
        seen = given.get("attn_mask")
        if given.get("is_causal"):
            seen = scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()
        if seen is not None:
            scores = scores.masked_fill(~seen, -torch.inf)
        weights = scores.softmax(-1)
        self._keep(weights)
        return weights @ v


@contextmanager
def recording(model: CharacterModel) -> Iterator[list[Recorded]]:
    """Yield a list that collects the attention weights of every forward pass made in the block.

    All sequences of a pass must have one length. This is only for inference: without gradients, and
    with the model in ``eval`` mode.
    """
    found: list[Recorded] = []
    modules = model.named_modules()  # the model calls its attentions in this order
    names = [name for name, module in modules if isinstance(module, Attention)]
    layer = itertools.cycle(name.removesuffix(".attention") for name in names)
    with _UnfusedAttention(lambda weights: found.append(Recorded(next(layer), weights))):
        yield found


@dataclass(frozen=True)
class TracePoint:
    """A query or a key: a character, or a latent of a perceiver.

    Attributes:
        kind: ``character`` or ``latent``.
        number: the character's position, or the latent's number.
        position: the character's, or that of the last character that the latent reads.
    """

    kind: str
    number: int
    position: int


@dataclass(frozen=True)
class LayerTrace:
    """What one layer attended to while an answer was written.

    Attributes:
        name: of its block in the model.
        queries: one for each character of the answer: the position that wrote it, or, in layers
            whose queries are latents, the last latent that this position can see; None where
            there is none yet.
        keys: what can be attended to, S of them.
        weights: (characters of the answer, h, S) float32; 0 where there is no query.
    """

    name: str
    queries: tuple[TracePoint | None, ...]
    keys: tuple[TracePoint, ...]
    weights: Tensor

    def by_position(self, length: int) -> Tensor:
        """Return (characters of the answer, h, length): each key's weight at its position."""
        at = [key.position for key in self.keys]
        n = max(length, 1 + max(at))  # a latent that nothing sees yet may lie past the text
        spread = self.weights.new_zeros(*self.weights.shape[:2], n)
        return spread.index_add_(2, torch.tensor(at), self.weights)[:, :, :length]


@dataclass(frozen=True)
class AttentionTrace:
    """What a model attended to while it wrote an answer, its stop included.

    Attributes:
        read: ids of the prompt, and of the answer without its last.
        answer: what was decoded; ``answer.ids[i]`` was written at ``read[n_prompt - 1 + i]``.
        n_prompt: ids of the prompt.
        predicted: (characters of the answer, vocabulary) log-probabilities, where each was written.
        layers: from the first to the last.
    """

    read: list[int]
    answer: Decoded
    n_prompt: int
    predicted: Tensor
    layers: tuple[LayerTrace, ...]

    def by_position(self) -> Tensor:
        """Return (layers, characters of the answer, h, read): each key's weight at its position."""
        return torch.stack([layer.by_position(len(self.read)) for layer in self.layers])


def trace_answer(model: CharacterModel, prompt: Ids, stop_id: int, max_new: int) -> AttentionTrace:
    """Decode an answer greedily, and trace it.

    Args:
        model: is put into ``eval`` mode, and decodes on its own device.
        prompt: 1 … ``block_size`` ids.
        stop_id: ends the answer.
        max_new: ids to write at most.
    """
    [answer] = decode_greedily(model, [prompt], stop_id, max_new)
    return trace(model, prompt, answer)


@torch.inference_mode()
def trace(model: CharacterModel, prompt: Ids, answer: Decoded) -> AttentionTrace:
    """Read prompt and answer in one pass; keep weights and predictions where it was written."""
    read = [*prompt.tolist(), *answer.ids[:-1]]
    device = next(model.parameters()).device
    with recording(model) as found:
        [logits] = model(torch.tensor([read], device=device))  # (T, vocabulary)
    writing = range(len(prompt) - 1, len(read))
    predicted = precise(logits[writing.start :]).log_softmax(-1).cpu()
    layers = tuple(_of_answer(model, record, len(read), writing) for record in found)
    return AttentionTrace(read, answer, len(prompt), predicted, layers)


def _of_answer(model: CharacterModel, record: Recorded, length: int, writing: range) -> LayerTrace:
    """Take from a (1, h, T, S) record the queries at the positions that wrote the answer."""
    weights = model.require_finite(record.weights[0]).float().cpu().transpose(0, 1)  # (T, h, S)
    queries, keys = points_of(model, record.layer, length)
    seeing = [[i for i, query in enumerate(queries) if query.position <= at] for at in writing]
    used = tuple(queries[each[-1]] if each else None for each in seeing)
    rows = [weights[each[-1]] if each else torch.zeros_like(weights[0]) for each in seeing]
    return LayerTrace(record.layer, used, tuple(keys), torch.stack(rows))


def points_of(
    model: CharacterModel, layer: str, length: int
) -> tuple[list[TracePoint], list[TracePoint]]:
    """Return the queries and the keys of a layer, on a text of ``length`` characters."""
    config = model.config
    characters = [TracePoint("character", t, t) for t in range(length)]
    if not isinstance(config, PerceiverConfig):
        return characters, characters
    latents = [
        TracePoint("latent", j, config.latent_end(j) - 1)
        for j in range(max(1, config.n_latents(length)))
    ]
    if layer == "down":
        return latents, characters
    if layer != "up":
        return latents, latents
    if config.latents == "first":
        return characters, latents
    complete = {latent.position: latent for latent in latents}
    return characters, [complete.get(key.position, key) for key in characters]
