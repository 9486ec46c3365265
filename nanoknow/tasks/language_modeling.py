"""Character language modelling: windows at every offset of a running text."""

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
        config: LanguageModelingConfig,  # noqa: ARG002 - every task takes its config
        block_size: int,
    ) -> None:
        """Prepare a text.

        Raises:
            DataError: the text is not longer than the block.
        """
        self.tokens = torch.from_numpy(tokenizer.encode(corpus.text))  # (characters,)
        self.block_size = block_size
        self.notes: list[str] = []
        if self.n_examples < 1:
            raise DataError(
                f"{corpus.name}: {len(self.tokens)} characters are too few for windows of "
                f"block_size {block_size} and one more: name a longer text"
            )

    @property
    def n_examples(self) -> int:
        """How many windows there are."""
        return len(self.tokens) - self.block_size

    @property
    def positions_per_example(self) -> int:
        """The whole block carries loss."""
        return self.block_size

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the windows that start at the given (B,) offsets; nothing is random."""
        places = indices[:, None] + torch.arange(self.block_size + 1)  # (B, T + 1)
        rows = self.tokens[places]
        layout = Layout.of((Group(len(indices), self.block_size),))
        return Batch(rows[:, :-1].flatten(), rows[:, 1:].flatten(), layout)
