"""The model variants by name; a new variant is one line here."""

from collections.abc import Mapping

import torch
from torch import Tensor

from nanoknow.config.models import ModelConfig
from nanoknow.models.base import CharacterModel
from nanoknow.models.perceiver import Perceiver
from nanoknow.models.vanilla import Vanilla
from nanoknow.system.memory import require_memory

MODELS: dict[str, type[CharacterModel]] = {"vanilla": Vanilla, "perceiver": Perceiver}


def build_model(
    config: ModelConfig, vocab_size: int, generator: torch.Generator | None = None, copies: int = 4
) -> CharacterModel:
    """Make a freshly initialised model.

    Args:
        config: its variant and sizes.
        vocab_size: characters of its vocabulary, specials included.
        generator: draws the weights; needed on a real device, not on ``meta``.
        copies: of the weights that memory has to hold: trained, with gradients and two moments.

    Raises:
        OutOfMemoryError: it cannot.
    """
    if generator is not None:
        n = sum(tensor.numel() for tensor in outline(config, vocab_size).values())
        require_memory(4 * n * copies, f"model: {n:,} parameters")
    return MODELS[config.variant](config, vocab_size, generator)


def outline(config: ModelConfig, vocab_size: int) -> dict[str, Tensor]:
    """Return a model's weights without their values, which takes no memory."""
    with torch.device("meta"):
        return MODELS[config.variant](config, vocab_size, None).state_dict()


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the shape and type of some tensors."""
    return {name: f"{tuple(t.shape)} {t.dtype}" for name, t in tensors.items()}
