"""Where a model looks: the attention weights of a forward pass, and those that wrote an answer.

Nothing of the models is changed for it. While ``recording``, every call of torch's fused attention
by an ``Attention`` is taken over: the weights are written out, kept, and multiplied with the
values to give the call's result. What is recorded is therefore what the logits come from.
"""

from __future__ import annotations

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
from nanoknow.data.batch import Group, Layout
from nanoknow.data.tokenizer import Ids
from nanoknow.generation.greedy import Decoded, decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import Attention


@dataclass(frozen=True)
class Recorded:
    """One call of an attention.

    Attributes:
        layer: the name of its block in the model: ``blocks.0``, ``down``.
        weights: (B, h, T, S), each row of S sums to 1.
    """

    layer: str
    weights: Tensor


class _WrittenOut(TorchFunctionMode):
    """Computes fused attention as softmax(qkᵀ/√(d/h)) v, and hands out the weights."""

    def __init__(self, keep: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._keep = keep

    def __torch_function__(
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        return self._attend(*args, **(kwargs or {}))

    def _attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,  # noqa: ARG002 - 0 outside training
        is_causal: bool = False,
    ) -> Tensor:
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, h, T, S)
        if is_causal:
            attn_mask = scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        weights = scores.softmax(-1)
        self._keep(weights)
        return weights @ v


@contextmanager
def recording(model: CharacterModel) -> Iterator[list[Recorded]]:
    """Yield a list that fills with the attention weights of every forward pass made meanwhile.

    Only outside training: without gradients, and with the model in ``eval``.
    """
    found: list[Recorded] = []
    current = ""

    def enter(name: str) -> Callable[..., None]:
        def note(*_: object) -> None:
            nonlocal current
            current = name.removesuffix(".attention")

        return note

    handles = [
        module.register_forward_pre_hook(enter(name))
        for name, module in model.named_modules()
        if isinstance(module, Attention)
    ]
    try:
        with _WrittenOut(lambda weights: found.append(Recorded(current, weights))):
            yield found
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class Place:
    """What a query or a key stands for.

    Attributes:
        kind: ``character``, or ``latent`` of a perceiver.
        position: the character's, or that of the last character that the latent reads.
        number: the character's position, or the latent's number.
    """

    kind: str
    position: int
    number: int


@dataclass(frozen=True)
class LayerWeights:
    """Where one layer looked while an answer was written.

    Attributes:
        name: of its block in the model.
        queries: for each character of the answer, who looked: the place that wrote it, or, in
            layers whose queries are latents, the last latent that this place can see; None where
            there is none yet.
        keys: what can be looked at, S of them.
        weights: (characters of the answer, h, S) float32; 0 where there is no query.
    """

    name: str
    queries: tuple[Place | None, ...]
    keys: tuple[Place, ...]
    weights: Tensor

    def on_positions(self, length: int) -> Tensor:
        """Return (characters of the answer, h, length): each key's weight where it stands."""
        at = [key.position for key in self.keys]
        n = max(length, 1 + max(at))  # a latent that nothing sees yet may stand past the text
        spread = self.weights.new_zeros(*self.weights.shape[:2], n)
        return spread.index_add_(2, torch.tensor(at), self.weights)[:, :, :length]


@dataclass(frozen=True)
class Look:
    """Where a model looked while it wrote an answer, its stop included.

    Attributes:
        read: ids of the prompt, and of the answer without its last.
        answer: what was decoded; ``answer.ids[i]`` was written at ``read[n_prompt - 1 + i]``.
        n_prompt: ids of the prompt.
        layers: from the first to the last.
    """

    read: list[int]
    answer: Decoded
    n_prompt: int
    layers: tuple[LayerWeights, ...]


@torch.inference_mode()
def look(model: CharacterModel, prompt: Ids, stop_id: int, max_new: int) -> Look:
    """Decode an answer greedily, then read prompt and answer once more and keep the weights.

    Args:
        model: used as it is, on its own device.
        prompt: 1 … ``block_size`` ids.
        stop_id: ends the answer.
        max_new: ids to write at most.
    """
    [answer] = decode_greedily(model, [prompt], stop_id, max_new)
    read = [*prompt.tolist(), *answer.ids[:-1]]
    device = next(model.parameters()).device
    with recording(model) as found:
        model(torch.tensor(read, device=device), Layout.of((Group(1, len(read)),), device))
    places = range(len(prompt) - 1, len(read))
    layers = tuple(_of_answer(model, record, len(read), places) for record in found)
    return Look(read, answer, len(prompt), layers)


def _of_answer(model: CharacterModel, record: Recorded, length: int, places: range) -> LayerWeights:
    """Take from a (1, h, T, S) record the queries that wrote at some places."""
    weights = record.weights[0].float().cpu().transpose(0, 1)  # (T, h, S)
    queries, keys = places_of(model, record.layer, length)
    looked: list[Place | None] = []
    rows = []
    for place in places:
        seeing = [i for i, query in enumerate(queries) if query.position <= place]
        looked.append(queries[seeing[-1]] if seeing else None)
        rows.append(weights[seeing[-1]] if seeing else torch.zeros_like(weights[0]))
    return LayerWeights(record.layer, tuple(looked), tuple(keys), torch.stack(rows))


def places_of(model: CharacterModel, layer: str, length: int) -> tuple[list[Place], list[Place]]:
    """Return what the queries and the keys of a layer stand for, on a text of ``length``."""
    config = model.config
    characters = [Place("character", t, t) for t in range(length)]
    if not isinstance(config, PerceiverConfig):
        return characters, characters
    latents = [
        Place("latent", config.latent_end(j) - 1, j)
        for j in range(max(1, config.n_latents(length)))
    ]
    if layer == "down":
        return latents, characters
    if layer != "up":
        return latents, latents
    if config.latents == "first":
        return characters, latents
    memory = list(characters)
    for latent in latents:
        if latent.position < length:
            memory[latent.position] = latent
    return characters, memory
