"""Span corruption: hide a span of a document and write it after the rest.

After Raffel et al., 2020 (T5), in the form of the original assignment: a document is cut to a
random length, and ``prefix masked suffix`` is rearranged to ``prefix⁇suffix⁇masked``. The model
predicts every next character of that, so it learns the text as well as to fill in.

Two things go beyond the original, both off by default. Salient spans: what is hidden is worth
asking for. Context dropout: an example keeps only the subject's name and a few characters on either
side of the hidden span, a short context, so that the model can know the span by the name alone. It
has one of two forms:

    cloze       Name. left ⁇ right ⁇ word
    in place    left Name right ⁇ word ⁇
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import Batch
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Ids, Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.base import padded
from nanoknow.tasks.hiding import Hiding


class Draw(NamedTuple):
    """The random numbers of an example, uniform from 0 to 1; the last six are for salient spans."""

    truncation: float
    masked: float
    start: float
    salient: float = 1.0
    dropout: float = 1.0
    form: float = 1.0
    word: float = 1.0
    left: float = 1.0
    right: float = 1.0


def longest_truncation(config: SpanCorruptionConfig, block_size: int) -> int:
    """Return how many leading characters of a document an example can have."""
    # The two masks of an example take two characters of the block.
    return min(int(block_size * config.max_truncation), block_size - 2)


def reach_of(config: SpanCorruptionConfig, block_size: int) -> int | None:
    """Return how many leading characters of documents are read; None if short contexts read all."""
    all_of_it = config.salient_spans > 0 and config.context_dropout > 0
    return None if all_of_it else longest_truncation(config, block_size)


class SpanCorruption:
    """Examples from the documents of a corpus, a new cut and a new span each time."""

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        config: SpanCorruptionConfig,
        block_size: int,
        hiding: Sequence[Hiding] | None = None,
    ) -> None:
        """Prepare a corpus.

        Args:
            corpus: the documents.
            tokenizer: encodes their characters.
            config: how to corrupt.
            block_size: the model's block size.
            hiding: what is worth hiding in each document; None to hide no salient spans.

        Raises:
            ConfigError: no truncation length is left between the shortest and the longest.
            DataError: the corpus has no document to learn from.
        """
        self.tokenizer = tokenizer
        self.config = config
        self.tokens_per_example = block_size - 1  # the last character is only a target
        self.min_length = config.min_truncation
        self.max_length = longest_truncation(config, block_size)
        if self.min_length > self.max_length:
            key = f"pretrain.task.min_truncation {self.min_length}"
            size = f"{self.max_length} characters for block_size {block_size}"
            raise ConfigError(f"{key}: is over the longest truncation, {size}: lower it")
        self._codes = corpus.codes
        self._ids = tokenizer.encode(corpus.characters)  # by code
        self._mask = np.array([tokenizer.mask_id])
        self._stop = tokenizer.encode_known(". ")
        starts, lengths = corpus.lines()
        kept = (lengths > 0) | config.keep_empty_documents
        self.documents = np.flatnonzero(kept)  # (examples,)
        self.starts, self.lengths = starts[kept], lengths[kept]  # (examples,)
        self.n_examples = len(self.lengths)
        self._hiding = hiding
        self._names = [tokenizer.encode_known(each.name) for each in hiding or ()]
        # What follows the last line end is not a line, and not worth a note.
        n_empty = int((~kept[:-1]).sum())
        self.notes = [f"left out {n_empty} empty documents"] if n_empty else []
        if not self.n_examples:
            raise DataError(f"{corpus.name}: no documents: write one a line")

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Corrupt the documents with the given (B,) indices."""
        n = len(indices)
        cut = [torch.rand(n, generator=generator, dtype=torch.float64) for _ in range(3)]
        sizes = (3, 1, 2) if self._hiding is not None else ()
        hide = [torch.rand(size, n, generator=generator).double() for size in sizes]
        draws = torch.cat([torch.stack(cut), *hide]).T.tolist()  # (B, 3 or 9)
        examples = [
            self.example(i, Draw(*draw)) for i, draw in zip(indices.tolist(), draws, strict=True)
        ]
        return padded(examples, self.tokens_per_example, self.tokenizer.pad_id)

    def example(self, index: int, draw: Draw) -> tuple[Ids, int]:
        """Return the ids of one example, and the index of the first that is a target.

        With n the truncated length, the length of a random span is uniform on 1 … max(1, ⌊n/2⌋),
        so n/4 on average, and its start is uniform.

        Args:
            index: the document's index among ``documents``.
            draw: the example's random numbers.
        """
        start, length = int(self.starts[index]), int(self.lengths[index])
        document = self._ids[self._codes[start : start + length]]
        spread = self.max_length - self.min_length + 1
        kept = min(self.min_length + int(draw.truncation * spread), length)
        masked = min(1 + int(draw.masked * max(1, kept // 2)), kept)
        first = int(draw.start * (kept - masked + 1))
        if self._hiding is not None and draw.salient < self.config.salient_spans:
            is_alone = draw.dropout < self.config.context_dropout
            number = int(self.documents[index])
            hiding, name = self._hiding[number], self._names[number]
            span = hiding.choose(draw.word, length if is_alone else kept)
            if span is not None:
                if is_alone:
                    ids, target = self._alone(document, hiding, name, span, draw)
                else:
                    ids, target = self._corrupted(document[:kept], *span), 0
                if len(ids) <= self.max_length + 2:
                    return ids, target
        return self._corrupted(document[:kept], first, first + masked), 0

    def _corrupted(self, document: Ids, start: int, end: int) -> Ids:
        """Return ``prefix⁇suffix⁇masked``."""
        prefix, masked, suffix = document[:start], document[start:end], document[end:]
        return np.concatenate([prefix, self._mask, suffix, self._mask, masked])

    def _alone(
        self, document: Ids, hiding: Hiding, name: Ids, span: tuple[int, int], draw: Draw
    ) -> tuple[Ids, int]:
        """Return a short context: the ids, and the index of the first that is a target."""
        start, end = span
        name_start, name_end = hiding.subject
        low = hiding.body if name_end <= start else 0
        high = name_start if name_start >= end else len(document)
        width, step = self.config.context_width + 1, self.config.context_step
        left = min(int(draw.left**3 * width), start - low) // step * step
        right = min(int(draw.right**3 * width), high - end) // step * step
        before, after = document[start - left : start], document[end : end + right]
        word = document[start:end]
        if draw.form < self.config.name_in_place:
            parts, n_targets = [before, name, after, self._mask, word, self._mask], len(word) + 1
        else:
            head = [name, self._stop] if len(name) else []
            parts, n_targets = [*head, before, self._mask, after, self._mask, word], len(word)
        ids = np.concatenate(parts)
        return ids, len(ids) - n_targets if self.config.cloze_loss == "hidden" else 0
