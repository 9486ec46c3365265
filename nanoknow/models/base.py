"""The interface of every model: what training, generation and evaluation use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor, nn

from nanoknow.data.batch import Layout
from nanoknow.models.cache import LayerCache

if TYPE_CHECKING:
    from nanoknow.config.models import ModelConfig


class CharacterModel(nn.Module, ABC):
    """A causal model over characters: the base class of every variant."""

    config: ModelConfig

    @abstractmethod
    def forward(
        self,
        tokens: Tensor,
        layout: Layout,
        caches: list[LayerCache] | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """Return the logits of the next character after each token, or after some of them.

        Args:
            tokens: (N,) int64 ids.
            layout: how they form sequences; positions are below ``block_size``.
            caches: those of ``new_caches``, to decode step by step; the first step starts at
                position 0.
            logit_indices: (P,) int64, which of the N tokens to compute logits for; None for all.

        Returns:
            (P, vocabulary) logits; P = N without ``logit_indices``.
        """

    @abstractmethod
    def new_caches(self, capacity: int) -> list[LayerCache]:
        """Return empty caches for sequences of up to ``capacity`` characters."""

    @property
    def n_parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())
