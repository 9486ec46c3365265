"""Every registered variant; a new one is added to ``CONFIGS`` and ``REACH``."""

from __future__ import annotations

from collections.abc import Callable

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
CONFIGS: dict[str, list[ModelConfig]] = {
    "vanilla": [
        VanillaConfig.model_validate(SIZES),
        VanillaConfig.model_validate({**SIZES, "n_layers": 1}),
        VanillaConfig.model_validate({**SIZES, "positions": "rotary"}),
    ],
    "perceiver": [
        PerceiverConfig.model_validate({**SIZES, "bottleneck_dim": 6}),
        PerceiverConfig.model_validate({**SIZES, "bottleneck_dim": LENGTH}),
        PerceiverConfig.model_validate({**SIZES, "n_layers": 2, "bottleneck_dim": 1}),
        PerceiverConfig.model_validate({**SIZES, "positions": "rotary", "bottleneck_dim": 6}),
        *(
            PerceiverConfig.model_validate({**SIZES, "latents": "spread", **sizes})
            for sizes in (
                {"bottleneck_dim": 6},
                {"bottleneck_dim": 10},
                {"bottleneck_dim": 13},
                {"bottleneck_dim": LENGTH},
                {"bottleneck_dim": 1, "n_layers": 2},
                {"bottleneck_dim": 6, "positions": "rotary"},
                {"bottleneck_dim": 5, "positions": "rotary"},
            )
        ),
    ],
}
EACH = [config for configs in CONFIGS.values() for config in configs]


def latents_and_own(config: TransformerConfig, last: int) -> set[int]:
    """The first m characters through the latents, the last one through its own query path.

    Where latents are spread over the block, all of them.
    """
    assert isinstance(config, PerceiverConfig)
    if config.latents == "spread":
        return set(range(last + 1))
    return {*range(min(config.bottleneck_dim, last + 1)), last}


REACH: dict[str, Callable[[TransformerConfig, int], set[int]]] = {
    "vanilla": lambda _, last: set(range(last + 1)),
    "perceiver": latents_and_own,
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
