"""The interface of every model: what training, generation and evaluation use."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nanoknow.config.models import ModelConfig
from nanoknow.data.batch import Group, Layout
from nanoknow.errors import DataError, NonFiniteError
from nanoknow.models.cache import Cache

LONGEST_TRIAL = 1024
"""Most characters that ``require_sound`` tries a model on: a downloaded one may have any block."""


class CharacterModel(nn.Module, ABC):
    """A causal model over characters: the base class of every variant.

    Attributes:
        origin: the run or checkpoint that its weights come from, for errors.
    """

    config: ModelConfig
    origin: str = "the model"

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        """Keep the sizes; a variant then makes its layers. To make a model, see ``build_model``."""
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size

    def initialize(self, generator: torch.Generator) -> None:
        """Draw linear and embedding weights from N(0, 0.02), and set biases to 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(
        self,
        ids: Tensor,
        layout: Layout | None = None,
        cache: Cache | None = None,
        logit_indices: Tensor | None = None,
    ) -> Tensor:
        """Return the logits of the next character after each: ``logits = model(ids)``.

        Pad shorter sequences on the right with any ids: earlier characters cannot see them, and
        their own logits are meaningless. Layers compute on flat (B·T, width): a forward hook gets
        (B, T, width) by ``output.unflatten(0, ids.shape)``, except for a perceiver's latents.

        Args:
            ids: (B, T) int64, T up to ``block_size``.
            layout: how flat ``ids`` form sequences; with it, all arguments are those of ``logits``.
            cache: see ``logits``.
            logit_indices: see ``logits``.

        Returns:
            (B, T, vocabulary); with a layout, what ``logits`` returns.

        Raises:
            DataError: the ids have another shape.
        """
        if layout is not None:
            return self.logits(ids, layout, cache, logit_indices)
        if ids.dim() != 2 or not 0 < ids.shape[1] <= self.config.block_size:
            raise DataError(
                f"ids of shape {tuple(ids.shape)}: give (B, T), padded on the right, with T from "
                f"1 to the model's block_size of {self.config.block_size}"
            )
        layout = Layout.of((Group(*ids.shape),), ids.device)
        return self.logits(ids.flatten(), layout).view(*ids.shape, -1)

    @abstractmethod
    def logits(
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
            cache: made by ``new_cache``, to decode step by step: first whole prompts of one length,
                from position 0, then one token for each sequence.
            logit_indices: (P,) int64, which of the N tokens to compute logits for; None for all.

        Returns:
            (P, vocabulary) logits; P = N without ``logit_indices``.
        """

    @abstractmethod
    def new_cache(self, capacity: int) -> Cache:
        """Return an empty cache for sequences of up to ``capacity`` characters."""

    @torch.no_grad()
    def require_sound(self) -> None:
        """Compute the logits of a text in ``eval`` mode: finite weights may give NaN logits.

        Raises:
            NonFiniteError: a weight or a logit is NaN or infinite.
        """
        length = min(self.config.block_size, LONGEST_TRIAL)
        layout = Layout.of((Group(1, length),), next(self.parameters()).device)
        logits = self.eval()(layout.positions % self.vocab_size, layout)
        for each in (logits, *self.parameters()):
            self.require_finite(each)

    def require_finite(self, outputs: Tensor) -> Tensor:
        """Return what this model has computed, if it is finite.

        Raises:
            NonFiniteError: some of it is NaN or infinite, so that it is no answer, text or score.
        """
        if not outputs.isfinite().all():
            raise NonFiniteError(
                f"{self.origin}: weights or outputs are not finite (NaN or inf): take an earlier "
                f"checkpoint, or train again with a lower learning rate"
            )
        return outputs

    @property
    def n_parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())
