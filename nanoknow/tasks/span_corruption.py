"""Span corruption: hide a stretch of a document and write it after the rest.

After Raffel et al., 2020 (T5), in the form of the original assignment: a document is cut to a
random length, and ``prefix masked suffix`` is rearranged to ``prefix⁇suffix⁇masked``. The model
predicts every next character of that, so it learns the text as well as the filling in.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from nanoknow.config import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError, DataError


class SpanCorruption:
    """Examples from the documents of a corpus, a new cut and a new span each time."""

    source: ClassVar[Literal["corpus"]] = "corpus"
    specials: ClassVar[bool] = True

    def __init__(
        self, corpus: Corpus, tokenizer: Tokenizer, config: SpanCorruptionConfig, block_size: int
    ) -> None:
        """Prepare a corpus.

        Raises:
            ConfigError: no truncation length is left between the shortest and the longest.
            DataError: the corpus has no document to learn from.
        """
        self.tokenizer = tokenizer
        self.block_size = block_size
        self.min_length = config.min_truncation
        # The two masks of an example take two places of the block.
        self.max_length = min(int(block_size * config.max_truncation), block_size - 2)
        if self.min_length > self.max_length:
            raise ConfigError(
                f"pretrain.task.min_truncation {self.min_length}: is over the longest truncation, "
                f"{self.max_length} characters for block_size {block_size}: lower it"
            )
        self.tokens = torch.from_numpy(tokenizer.encode(corpus.text))  # (characters,)
        lengths = torch.tensor([len(document) for document in corpus.documents])
        starts = torch.cumsum(lengths + 1, 0) - (lengths + 1)
        kept = lengths >= 0 if config.keep_empty_documents else lengths > 0
        self.lengths = lengths[kept]  # (documents,)
        self.starts = starts[kept]  # (documents,)
        # What stands after the last line end is no line, and not worth a word.
        n_empty = int((~kept[:-1]).sum())
        self.notes = [f"left out {n_empty} empty documents"] if n_empty else []
        if not self.n_examples:
            raise DataError(f"{corpus.name}: no documents: write one a line")

    @property
    def n_examples(self) -> int:
        """How many documents there are."""
        return len(self.lengths)

    @property
    def positions_per_example(self) -> int:
        """A block less one: the last character is only a target."""
        return self.block_size - 1

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Corrupt the documents with the given (B,) indices.

        With n the truncated length, the masked length is uniform on 1 … max(1, ⌊n/2⌋), so n/4
        on average, and its start is uniform.
        """
        lengths = self.lengths[indices]  # (B,)
        spread = self.max_length - self.min_length + 1
        truncation = self.min_length + _uniform(torch.full_like(lengths, spread), generator)
        n = torch.minimum(truncation, lengths)
        masked = torch.minimum(1 + _uniform((n // 2).clamp(min=1), generator), n)
        start = _uniform(n - masked + 1, generator)
        rows = self.corrupt(self.starts[indices], n, start, masked)  # (B, T + 1)
        lengths = n + 1  # of the input: the n characters and two masks, without the last
        targets = rows[:, 1:].clone()
        targets[torch.arange(targets.shape[1]) >= lengths[:, None]] = IGNORE
        return Batch.from_rows(rows[:, :-1], targets, lengths)

    def corrupt(self, first: Tensor, n: Tensor, start: Tensor, masked: Tensor) -> Tensor:
        """Rearrange documents, all (B,): where each begins, its length, its span.

        Returns:
            (B, longest n + 2) ids of ``prefix⁇suffix⁇masked``, then padding.
        """
        first, n, start, masked = (t[:, None] for t in (first, n, start, masked))
        place = torch.arange(int(n.max()) + 2)[None]  # (1, T)
        second_mask = n - masked + 1
        source = torch.where(place < start, place, place - 1 + masked)
        source = torch.where(place > second_mask, start + place - second_mask - 1, source)
        rows = self.tokens[(first + source).clamp(0, len(self.tokens) - 1)]
        is_mask = (place == start) | (place == second_mask)
        rows = torch.where(is_mask, self.tokenizer.mask_id, rows)
        return torch.where(place >= n + 2, self.tokenizer.pad_id, rows)


def _uniform(count: Tensor, generator: torch.Generator) -> Tensor:
    """Draw integers from 0 … count − 1, each its own count."""
    draws = torch.rand(count.shape, generator=generator, dtype=torch.float64)
    return (draws * count).long()
