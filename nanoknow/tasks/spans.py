"""Which words span corruption hides, and what it keeps of the rest.

Without its context a hidden word is in one of two forms:

    cloze       Name. left ⁇ right ⁇ word
    in place    left Name right ⁇ word ⁇
"""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from nanoknow.config.tasks import SpanCorruptionConfig
from nanoknow.errors import DataError
from nanoknow.facts.salient import NAME_END, find_salient
from nanoknow.tasks.segments import MARK, Segments, corrupted


class SalientWords:
    """The names, places and years of some documents, to hide in place of random stretches."""

    def __init__(
        self,
        documents: Sequence[str],
        config: SpanCorruptionConfig,
        max_length: int,
        answers: Collection[str] = (),
    ) -> None:
        """Find them.

        Args:
            documents: by the indices that are drawn from.
            config: says how often to hide such a word, and how often without its context.
            max_length: characters to keep of a document at most.
            answers: words to prefer.

        Raises:
            DataError: there are none.
        """
        self.config = config
        self.max_length = max_length
        found = (torch.from_numpy(part) for part in find_salient(documents, answers))
        self.starts, self.lengths, self.offsets, self.name_lengths = found
        if not len(self.starts):
            raise DataError(
                "no name, place or year is found in the documents: set pretrain.task.salient_spans "
                "to 0"
            )
        self._longest = max(map(len, documents)) + 1
        document = torch.repeat_interleave(self.offsets.diff())  # (words,)
        # Ascending over all documents, so that one search finds the last word of a stretch.
        self._ends = document * self._longest + self.starts + self.lengths

    def replace(
        self,
        random: Segments,
        indices: Tensor,
        first: Tensor,
        kept: Tensor,
        lengths: Tensor,
        generator: torch.Generator,
    ) -> Segments:
        """Hide salient words in some of the examples, some of these without their context.

        A document with no such word in what is kept of it keeps its random span.

        Args:
            random: the examples with random spans.
            indices: (B,) of the documents.
            first: (B,) where they begin in the text.
            kept: (B,) characters of them that are kept.
            lengths: (B,) of the documents.
            generator: draws which, and what.
        """
        share, dropout, form = torch.rand(3, len(indices), generator=generator)
        alone = dropout < self.config.context_dropout
        reach = torch.where(alone, lengths, kept)
        offsets = self.offsets[indices]
        upto = torch.searchsorted(self._ends, indices * self._longest + reach, right=True)
        count = upto - offsets
        # Early words more often than late ones: a biography begins with what matters most.
        number = (count * torch.rand(len(indices), generator=generator) ** 2).long()
        word = (offsets + number).clamp(max=len(self.starts) - 1)
        start, masked = self.starts[word], self.lengths[word]
        head = self.name_lengths[indices]
        widths = torch.rand(2, len(indices), generator=generator) ** 3
        left, right = (widths * (self.config.context_width + 1)).long()
        step = self.config.context_step
        left = torch.minimum(left, start - head) // step * step
        right = torch.minimum(right, lengths - start - masked) // step * step
        hidden, mark = (first + start, masked), (MARK, 1)
        before = (first + start - left, left)
        after = (first + start + masked, right)
        cloze = Segments.of([(first, head), before, mark, after, mark, hidden], first)
        name = (first, (head - len(NAME_END)).clamp(min=0))
        in_place = Segments.of([before, name, after, mark, hidden, mark], first)
        short = in_place.where(form < self.config.name_in_place, cloze)
        if self.config.cloze_loss == "hidden":
            n_end = torch.where(form < self.config.name_in_place, masked + 1, masked)
            short = short._replace(first_target=short.totals - n_end)
        drawn = short.where(alone, corrupted(first, kept, start, masked))
        chosen = (share < self.config.salient_spans) & (count > 0)
        return drawn.where(chosen & (drawn.totals <= self.max_length + 2), random)


def uniform(count: Tensor, generator: torch.Generator) -> Tensor:
    """Draw integers from 0 … count − 1, each its own count; 0 where the count is 0."""
    draws = torch.rand(count.shape, generator=generator, dtype=torch.float64)
    return (draws * count).long()
