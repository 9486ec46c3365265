"""The model variants by name; a new variant is one line here."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nanoknow.config.models import ModelConfig
from nanoknow.models.base import CharacterModel
from nanoknow.models.perceiver import Perceiver
from nanoknow.models.vanilla import Vanilla

MODELS: dict[str, type[CharacterModel]] = {"vanilla": Vanilla, "perceiver": Perceiver}


@torch.random.fork_rng([])
def build_model(
    config: ModelConfig, vocab_size: int, generator: torch.Generator | None = None
) -> CharacterModel:
    """Make a model with float32 weights, whatever torch's default; its random state is kept.

    Args:
        config: its variant and sizes.
        vocab_size: characters of its vocabulary, specials included.
        generator: draws the weights; None if others will replace them.
    """
    model = MODELS[config.variant](config, vocab_size).float()
    if generator is not None:
        model.initialize(generator)
    return model


def outline(config: ModelConfig, vocab_size: int) -> dict[str, Tensor]:
    """Return a model's weights on ``meta``: names, shapes and types, with no values in memory."""
    with _WeightsOnMeta():
        return build_model(config, vocab_size).state_dict()


class _WeightsOnMeta(TorchFunctionMode):
    """Makes weights, and nothing else, on ``meta``, and does not draw their values.

    For other operators on ``meta`` torch imports its compiler, which takes a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"]
        if func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Describe each tensor by its shape and type."""
    return {name: f"{tuple(t.shape)} {t.dtype}" for name, t in tensors.items()}
