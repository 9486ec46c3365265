"""Character language modelling: windows of a running text, at every offset or every so many."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from nanoknow.config import LanguageModelingConfig
from nanoknow.data.batch import Batch, Group, Layout
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError


class LanguageModeling:
    """An example is a block of the text and, as targets, the same moved by one character."""

    source: ClassVar[Literal["corpus"]] = "corpus"
    specials: ClassVar[bool] = False

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        config: LanguageModelingConfig,
        block_size: int,
    ) -> None:
        """Prepare a text.

        Raises:
            DataError: the text is not longer than the block.
        """
        self.tokens = torch.from_numpy(tokenizer.encode(corpus.text))  # (characters,)
        self.block_size = block_size
        self.stride = config.stride
        self.notes: list[str] = []
        if self.n_examples < 1:
            raise DataError(
                f"{corpus.name}: {len(self.tokens)} characters are too few for windows of "
                f"block_size {block_size} and one more: name a longer text"
            )

    @property
    def n_examples(self) -> int:
        """How many windows there are."""
        return max(0, (len(self.tokens) - self.block_size + self.stride - 1) // self.stride)

    @property
    def positions_per_example(self) -> int:
        """The whole block carries loss."""
        return self.block_size

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the windows with the given (B,) numbers; nothing about them is random."""
        places = self.stride * indices[:, None] + torch.arange(self.block_size + 1)  # (B, T + 1)
        rows = self.tokens[places]
        layout = Layout.of((Group(len(indices), self.block_size),))
        return Batch(rows[:, :-1].flatten(), rows[:, 1:].flatten(), layout)
