"""Language modelling document by document: an example is one document, cut to the block."""

import numpy as np
import torch
from torch import Tensor

from nanoknow.data.batch import Batch
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Ids, Tokenizer
from nanoknow.errors import DataError
from nanoknow.tasks.base import padded

END = "\n"
"""Written before and after a document, so that a model can begin one, and stop."""


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
        self._starts, self._lengths = starts[self.documents], lengths[self.documents]
        self._codes = corpus.codes
        self._ids = tokenizer.encode(corpus.characters)  # by code
        self._end = tokenizer.encode(END)  # (1,)
        self.n_examples, self.tokens_per_example = len(self.documents), block_size
        long = int((self._lengths >= block_size).sum())
        what = f"documents are longer than block_size {block_size}, and cut"
        self.notes = [f"{corpus.name}: {long:,} of {self.n_examples:,} {what}"] if long else []

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:  # noqa: ARG002
        """Make the examples of the documents with the given (B,) indices; nothing is random."""
        examples = [self._example(i) for i in indices.tolist()]
        longest = max(map(len, examples)) - 1
        return padded([(ids, 0) for ids in examples], longest, int(self._end[0]))

    def _example(self, index: int) -> Ids:
        start = self._starts[index]
        stop = start + min(self._lengths[index], self.tokens_per_example)
        document = self._ids[self._codes[start:stop]]
        whole = np.concatenate([self._end, document, self._end])
        return whole[: self.tokens_per_example + 1]  # the last is only a target
