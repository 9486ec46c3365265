"""Span corruption: hide a stretch of a document and write it after the rest.

After Raffel et al., 2020 (T5), in the form of the original assignment: a document is cut to a
random length, and ``prefix masked suffix`` is rearranged to ``prefix⁇suffix⁇masked``. The model
predicts every next character of that, so it learns the text as well as the filling in.

Two things beyond the original, both off unless asked for. Salient spans: what is hidden is a
name, a place or a year. Context dropout: of the document only ``Name. `` is kept and a few
characters on either side of such a word, so that there is nothing but the name to know it by.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from nanoknow.config import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch, Layout, Plan
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.encoded_text import EncodedText
from nanoknow.tasks.spans import SalientWords, Spans, uniform


def longest_truncation(config: SpanCorruptionConfig, block_size: int) -> int:
    """Return how many characters of a document an example can show, the first ones."""
    # The two masks of an example take two places of the block.
    return min(int(block_size * config.max_truncation), block_size - 2)


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
        self.max_length = longest_truncation(config, block_size)
        if self.min_length > self.max_length:
            raise ConfigError(
                f"pretrain.task.min_truncation {self.min_length}: is over the longest truncation, "
                f"{self.max_length} characters for block_size {block_size}: lower it"
            )
        self.text = EncodedText(corpus, tokenizer)
        starts, lengths = map(torch.from_numpy, corpus.lines())
        kept = lengths >= 0 if config.keep_empty_documents else lengths > 0
        self.lengths = lengths[kept]  # (documents,), int32 or int64
        self.starts = starts[kept]  # (documents,)
        # What stands after the last line end is no line, and not worth a word.
        n_empty = int((~kept[:-1]).sum())
        self.notes = [f"left out {n_empty} empty documents"] if n_empty else []
        if not self.n_examples:
            raise DataError(f"{corpus.name}: no documents: write one a line")
        self.salient = None
        if config.salient_spans:
            documents = [corpus.documents[i] for i in kept.nonzero().flatten().tolist()]
            self.salient = SalientWords(documents, config, self.max_length)

    @property
    def n_examples(self) -> int:
        """How many documents there are."""
        return len(self.lengths)

    @property
    def positions_per_example(self) -> int:
        """A block less one: the last character is only a target."""
        return self.block_size - 1

    def to(self, device: torch.device) -> None:
        """Keep the text on a device; where documents begin stays, to draw and plan by."""
        self.text.to(device)

    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """Corrupt the documents with the given (B,) indices.

        With n the truncated length, the masked length is uniform on 1 … max(1, ⌊n/2⌋), so n/4
        on average, and its start is uniform.
        """
        lengths = self.lengths[indices].long()  # (B,)
        spread = self.max_length - self.min_length + 1
        truncation = self.min_length + uniform(torch.full_like(lengths, spread), generator)
        n = torch.minimum(truncation, lengths)
        masked = torch.minimum(1 + uniform((n // 2).clamp(min=1), generator), n)
        start = uniform(n - masked + 1, generator)
        spans = Spans.whole(self.starts[indices].long(), n, start, masked)
        if self.salient is not None:
            spans = self.salient.draw(indices, lengths, spans, generator)
        # Of the input: the n characters and two masks, without the last.
        plan = Plan.of(spans.n + 1, self.positions_per_example)
        device = self.text.device
        layout = Layout.of(plan.groups, device)
        place = layout.positions  # (N,)
        drawn = torch.repeat_interleave(
            torch.stack(spans)[:, plan.order].to(device, non_blocking=True),
            plan.widths.to(device, non_blocking=True),
            dim=1,
            output_size=len(place),  # else a GPU would be waited for
        )
        each = Spans(*drawn)  # (N,) all
        tokens, targets = self.corrupt(each, place), self.corrupt(each, place + 1)
        return Batch(tokens, targets.masked_fill(place > each.n, IGNORE), layout)

    def corrupt(self, spans: Spans, place: Tensor) -> Tensor:
        """Return what stands at some places of rearranged documents.

        Args:
            spans: of the document that each place is of.
            place: in ``prefix⁇suffix⁇masked``, which padding follows; of the same shape.

        Returns:
            int64 ids.
        """
        first, n, start, masked, head, gap = spans
        second_mask = n - masked + 1
        source = torch.where(place < start, place, place - 1 + masked)
        source = torch.where(place > second_mask, start + place - second_mask - 1, source)
        source = source + torch.where(source < head, 0, gap)
        ids = self.text.ids((first + source).clamp(0, len(self.text) - 1))
        is_mask = (place == start) | (place == second_mask)
        ids = torch.where(is_mask, self.tokenizer.mask_id, ids)
        return torch.where(place >= n + 2, self.tokenizer.pad_id, ids)
