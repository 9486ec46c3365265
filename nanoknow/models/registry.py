"""The model variants by name; a new variant is one line here."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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
    with torch.device("meta"), _Unfilled():
        return MODELS[config.variant](config, vocab_size, None).state_dict()


class _Unfilled(TorchFunctionMode):
    """Draws no weights, and makes positions one number: no weight depends on how many there are.

    To compute anything on ``meta``, torch loads its compiler: 1 to 2 s of CPU time.
    """

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Call a function of torch, or do without."""
        if func is nn.init.normal_:
            return None
        if func in (torch.arange, torch.tensor):
            return torch.zeros(1, dtype=torch.int64, device="cpu")
        return func(*args, **(kwargs or {}))


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the shape and type of some tensors."""
    return {name: f"{tuple(t.shape)} {t.dtype}" for name, t in tensors.items()}
