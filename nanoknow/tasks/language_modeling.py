"""Character language modelling: windows of a running text, at every offset or every so many."""

from dataclasses import replace

import torch
from torch import Tensor

from nanoknow.config.tasks import LanguageModelingConfig
from nanoknow.data.batch import Batch, Group, Layout
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError


class LanguageModeling:
    """An example is a block of the text and, as targets, the same moved by one character."""

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, config: LanguageModelingConfig, block_size: int
    ) -> None:
        """Prepare a text.

        Raises:
            DataError: the text is not longer than the block.
        """
        # Looked up where they are needed: the ids would be a second, larger copy of the text.
        self._codes = torch.from_numpy(corpus.codes)  # (characters of the text,)
        self._ids = torch.from_numpy(tokenizer.encode(corpus.characters))  # by code
        self.stride = config.stride
        self.notes: list[str] = []
        self.tokens_per_example = block_size  # all of them carry loss
        self.n_examples = len(range(0, len(corpus.codes) - block_size, self.stride))
        if not self.n_examples:
            n, windows = len(corpus.codes), f"windows of block_size {block_size} and one more"
            what = f"{n} characters are too few for {windows}"
            raise DataError(f"{corpus.name}: {what}: name a longer text")

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the windows with the given (B,) numbers; nothing about them is random."""
        length = self.tokens_per_example
        indices = self.stride * indices[:, None] + torch.arange(length + 1)  # (B, T + 1)
        rows = self._ids[self._codes[indices].long()]
        layout = Layout.of((Group(len(indices), length),))
        return Batch(rows[:, :-1].flatten(), rows[:, 1:].flatten(), layout)


def hold_out(
    corpus: Corpus, share: float, tokenizer: Tokenizer, block_size: int
) -> tuple[Corpus, LanguageModeling]:
    """Return a text without its end, and the end in windows, one after another.

    Raises:
        DataError: the end is not longer than the block.
    """
    cut = round(len(corpus.codes) * (1 - share))
    first, rest = (replace(corpus, codes=part) for part in (corpus.codes[:cut], corpus.codes[cut:]))
    windows = LanguageModelingConfig(stride=block_size)
    return first, LanguageModeling(rest, tokenizer, windows, block_size)
