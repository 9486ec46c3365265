"""Span corruption: hide a stretch of a document and write it after the rest.

After Raffel et al., 2020 (T5), in the form of the original assignment: a document is cut to a
random length, and ``prefix masked suffix`` is rearranged to ``prefix⁇suffix⁇masked``. The model
predicts every next character of that, so it learns the text as well as the filling in.

Two things beyond the original, both off unless the config asks for them. Salient spans: what is
hidden is a name, a place or a year. Context dropout: of the document only ``Name. `` is kept and a
few characters on either side of such a word, so that there is nothing but the name to know it by.
"""

from collections.abc import Collection

import torch
from torch import Tensor

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.data.batch import IGNORE, Batch, Layout, Plan
from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.errors import ConfigError, DataError
from nanoknow.tasks.encoded_text import EncodedText
from nanoknow.tasks.segments import MARK, PADDING, Segments, corrupted
from nanoknow.tasks.spans import SalientWords, uniform


def longest_truncation(config: SpanCorruptionConfig, block_size: int) -> int:
    """Return how many characters of a document an example can show, the first ones."""
    # The two masks of an example take two characters of the block.
    return min(int(block_size * config.max_truncation), block_size - 2)


class SpanCorruption:
    """Examples from the documents of a corpus, a new cut and a new span each time."""

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        config: SpanCorruptionConfig,
        block_size: int,
        answers: Collection[str] = (),
    ) -> None:
        """Prepare a corpus.

        Args:
            corpus: a document a line.
            tokenizer: of its characters.
            config: how to corrupt.
            block_size: of the model.
            answers: words to hide rather than others.

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
        # What follows the last line end is not a line, and not worth a note.
        n_empty = int((~kept[:-1]).sum())
        self.notes = [f"left out {n_empty} empty documents"] if n_empty else []
        if not self.n_examples:
            raise DataError(f"{corpus.name}: no documents: write one a line")
        self.salient: SalientWords | None = None
        if config.salient_spans:
            documents = [corpus.documents[i] for i in kept.nonzero().flatten().tolist()]
            self.salient = SalientWords(documents, config, self.max_length, answers)

    @property
    def n_examples(self) -> int:
        """How many documents there are."""
        return len(self.lengths)

    @property
    def tokens_per_example(self) -> int:
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
        first = self.starts[indices].long()
        segments = corrupted(first, n, start, masked)
        if self.salient is not None:
            segments = self.salient.replace(segments, indices, first, n, lengths, generator)
        # Of the input: all characters but the last.
        plan = Plan.of(segments.totals - 1, self.tokens_per_example)
        segments = Segments(*(part[plan.order] for part in segments))
        device = self.text.device
        layout = Layout.of(plan.groups, device)
        n_tokens = len(layout.positions)
        padded = segments.padded(plan.widths + 1).to(device)
        row, totals, first_target = torch.repeat_interleave(
            torch.stack([torch.arange(len(indices)), segments.totals, segments.first_target]).to(
                device, non_blocking=True
            ),
            plan.widths.to(device, non_blocking=True),
            dim=1,
            output_size=n_tokens,  # else a GPU would be waited for
        )  # (N,) each
        ids = self.assemble(padded, n_tokens + len(indices))
        # Each row is one longer than its input: what it ends with is a target only.
        here = torch.arange(n_tokens, device=device) + row
        target = layout.positions + 1
        unpredicted = (target >= totals) | (target < first_target)
        return Batch(ids[here], ids[here + 1].masked_fill(unpredicted, IGNORE), layout)

    def assemble(self, segments: Segments, n: int) -> Tensor:
        """Return the ids of examples, back to back.

        Args:
            segments: of the examples.
            n: characters of them all, known without asking the device.

        Returns:
            (n,) int64.
        """
        lengths = segments.lengths.flatten()
        starts = segments.starts.flatten()
        shift = starts - (lengths.cumsum(0) - lengths)
        start, shift = torch.repeat_interleave(
            torch.stack([starts, shift]), lengths, dim=1, output_size=n
        )
        indices = shift + torch.arange(n, device=shift.device)
        ids = self.text.ids(indices.clamp(0, len(self.text) - 1))
        ids = torch.where(start == MARK, self.tokenizer.mask_id, ids)
        return torch.where(start == PADDING, self.tokenizer.pad_id, ids)
