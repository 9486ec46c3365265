"""Language modelling document by document: none is cut in two, and each can be asked about."""

import numpy as np
import torch
from torch import Tensor

from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import DataError

END = "\n"
"""Before a document and after it, so that a model can write one from nothing, and stop."""


class DocumentModeling:
    """An example is a document between two line feeds; every next character is predicted."""

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer, block_size: int) -> None:
        """Prepare the documents that are not empty.

        Raises:
            DataError: there are fewer than two documents.
        """
        starts, lengths = corpus.lines()
        if len(starts) < 2:
            raise DataError(f"{corpus.name}: holds one document alone: name a text with several")
        self.documents = np.flatnonzero(lengths > 0)  # (examples,)
        self._starts = torch.from_numpy(starts[self.documents]).long()  # (examples,)
        self._lengths = torch.from_numpy(lengths[self.documents]).long()
        self._codes = torch.from_numpy(corpus.codes)  # (characters of the text,)
        self._ids = torch.from_numpy(tokenizer.encode(corpus.characters))  # by code
        self._end = int(tokenizer.encode(END)[0])
        self.n_examples, self.tokens_per_example = len(self._starts), block_size
        long = int((self._lengths + 1 > block_size).sum())
        what = f"documents are longer than block_size {block_size}, and cut"
        self.notes = [f"{corpus.name}: {long:,} of {self.n_examples:,} {what}"] if long else []

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Return the documents with the given (B,) indices; nothing about them is random."""
        lengths = self._lengths[indices]  # (B,)
        sizes = (lengths + 1).clamp(max=self.tokens_per_example)  # (B,)
        columns = torch.arange(int(sizes.max()) + 1)  # (T + 1,)
        at = (self._starts[indices, None] + columns - 1).clamp(0, len(self._codes) - 1)
        own = lengths[:, None]
        outside = (columns == 0) | (columns > own)
        rows = torch.where(outside, self._end, self._ids[self._codes[at].long()])  # (B, T + 1)
        targets = torch.where(columns[1:] > own + 1, IGNORE, rows[:, 1:])
        return Batch.from_rows(rows[:, :-1], targets, sizes)
