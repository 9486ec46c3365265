"""Every registered variant; a new one is added to ``CONFIGS`` and ``REACH``."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from nanoknow.config.models import ModelConfig, PerceiverConfig, TransformerConfig, VanillaConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.models.base import CharacterModel
from nanoknow.models.registry import build_model
from tests.helpers.textbook_twins import randomize

VOCAB = 13
LENGTH = 20
SIZES = {
    "n_layers": 3,
    "n_heads": 4,
    "d_model": 32,
    "block_size": LENGTH,
    "dropout": 0.0,
    "positions": "learned",
}
SPREAD, ROTARY = {"latents": "spread"}, {"positions": "rotary"}
LATENTS: list[tuple[int, dict[str, Any]]] = [
    *((6, {}), (LENGTH, {}), (1, {"n_layers": 2}), (6, ROTARY)),
    *((m, SPREAD) for m in (6, 10, 13, LENGTH)),
    (1, {**SPREAD, "n_layers": 2}),
    *((m, {**SPREAD, **ROTARY}) for m in (6, 5)),
]
CONFIGS: dict[str, list[ModelConfig]] = {
    "vanilla": [
        VanillaConfig.model_validate({**SIZES, **changes})
        for changes in ({}, {"n_layers": 1}, ROTARY)
    ],
    "perceiver": [
        PerceiverConfig.model_validate({**SIZES, "bottleneck_dim": m, **changes})
        for m, changes in LATENTS
    ],
}
EACH = [config for configs in CONFIGS.values() for config in configs]


def perceiver_reach(config: TransformerConfig, last: int) -> set[int]:
    """The first m characters through the latents, the last one through its own query path.

    Where latents are spread over the block, all of them.
    """
    assert isinstance(config, PerceiverConfig)
    m = LENGTH if config.latents == "spread" else config.bottleneck_dim
    return {*range(min(m, last + 1)), last}


REACH: dict[str, Callable[[TransformerConfig, int], set[int]]] = {
    "vanilla": lambda _, last: set(range(last + 1)),
    "perceiver": perceiver_reach,
}
"""Which inputs can move the logits at a position."""
every_model = pytest.mark.parametrize("config", EACH, ids=repr)


def random_model(config: ModelConfig, seed: int = 0) -> CharacterModel:
    model = build_model(config, VOCAB, torch.Generator().manual_seed(seed)).eval()
    randomize(model, seed)
    return model


def random_tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(VOCAB, shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def logits_of(model: CharacterModel, tokens: Tensor) -> Tensor:
    """Return (T, vocabulary) logits of (T,) tokens, with nothing cached."""
    logits: Tensor = model(tokens, Layout.of((Group(1, len(tokens)),)))
    return logits


def moved(model: CharacterModel, at: int) -> Tensor:
    """Return (T,): by how much other characters at one place move the logits of every place."""
    tokens = random_tokens(LENGTH)
    before = logits_of(model, tokens)
    most = torch.zeros(LENGTH)
    for step in (1, 5, 9):
        changed = tokens.clone()
        changed[at] = (changed[at] + step) % VOCAB
        most = torch.maximum(most, (logits_of(model, changed) - before).abs().amax(1))
    return most
