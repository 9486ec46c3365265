"""What trainer, generator and evaluator know of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor, nn

from nanoknow.data.batch import Layout
from nanoknow.models.cache import LayerCache

if TYPE_CHECKING:
    from nanoknow.config.models import ModelConfig


class CharacterModel(nn.Module, ABC):
    """A causal model over characters; every variant is one."""

    config: ModelConfig

    @abstractmethod
    def forward(
        self,
        tokens: Tensor,
        layout: Layout,
        caches: list[LayerCache] | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Return the next character's logits at each place, or at those that are wanted.

        Args:
            tokens: (N,) int64 ids.
            layout: how they fall into sequences; positions stay below ``block_size``.
            caches: those of ``new_caches``, to decode sequences step by step; the first step
                starts at position 0.
            places: (P,) int64, which of the N to compute logits at; None for all of them.

        Returns:
            (P, vocabulary) logits, P = N where all are wanted.
        """

    @abstractmethod
    def new_caches(self, capacity: int) -> list[LayerCache]:
        """Return empty caches for sequences of up to ``capacity`` characters."""

    @property
    def n_parameters(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters())
