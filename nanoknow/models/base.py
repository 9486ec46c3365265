"""The interface of every model: what training, generation and evaluation use."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Layout
from nanoknow.models.cache import Cache


class CharacterModel(nn.Module, ABC):
    """A causal model over characters: the base class of every variant."""

    config: ModelConfig

    @abstractmethod
    def __init__(
        self, config: ModelConfig, vocab_size: int, generator: torch.Generator | None
    ) -> None:
        """Make a freshly initialised model, see ``build_model``."""
        super().__init__()
        self.config = config

    @abstractmethod
    def forward(
        self,
        tokens: Tensor,
        layout: Layout,
        cache: Cache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """Return the logits of the next character after each token, or after some of them.

        Args:
            tokens: (N,) int64 ids.
            layout: how they form sequences; positions are below ``block_size``.
            cache: of ``new_cache``, to decode step by step, the first step from position 0; all
                sequences then have one length, their tokens whole prompts or one each.
            logit_indices: (P,) int64, which of the N tokens to compute logits for; None for all.

        Returns:
            (P, vocabulary) logits; P = N without ``logit_indices``.
        """

    @abstractmethod
    def new_cache(self, capacity: int) -> Cache:
        """Return an empty cache for sequences of up to ``capacity`` characters."""

    @property
    def n_parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())
