"""The model variants by name; a new variant is one line here."""

import torch

from nanoknow.config.models import ModelConfig
from nanoknow.models.base import CharacterModel
from nanoknow.models.perceiver import Perceiver
from nanoknow.models.vanilla import Vanilla

MODELS: dict[str, type[CharacterModel]] = {"vanilla": Vanilla, "perceiver": Perceiver}


def build_model(
    config: ModelConfig, vocab_size: int, generator: torch.Generator | None = None
) -> CharacterModel:
    """Make a freshly initialised model.

    Args:
        config: its variant and sizes.
        vocab_size: characters of its vocabulary, specials included.
        generator: draws the weights; needed on a real device, not on ``meta``.
    """
    return MODELS[config.variant](config, vocab_size, generator)
