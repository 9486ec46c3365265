"""What is worth hiding in each document, and where its subject is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nanoknow.facts.fit import FitLine, hiding_that_fits
from nanoknow.facts.index import FactIndex
from nanoknow.facts.salient import NAME_END, find_salient
from nanoknow.facts.subjects import AnswerFinder
from nanoknow.facts.words import WORD

Ints = npt.NDArray[np.int64]
MOST = 6
"""Spans of a document that are hidden, the most probable or the rarest ones."""


@dataclass(frozen=True)
class Hiding:
    """The spans of documents that are worth hiding, and the names of their subjects.

    Attributes:
        names: (documents,) of its subject; empty where it has none.
        subjects: (documents, 2) start and end of the name in the document; empty where it is not.
        bodies: (documents,) where a document goes on after a name that it begins with.
        offsets: (documents + 1,) the spans of document i are those from offsets[i] to
            offsets[i + 1].
        spans: (spans, 2) start and end; those of a document by ascending end.
        shares: (spans,) how often to hide each, of its document's; None for early ones more often
            than late ones.
    """

    names: Sequence[str]
    subjects: Ints
    bodies: Ints
    offsets: Ints
    spans: Ints
    shares: npt.NDArray[np.float64] | None

    def choose(self, document: int, draw: float, reach: int) -> tuple[int, int] | None:
        """Return a span of a document; None where there is none.

        Args:
            document: its index.
            draw: uniform from 0 to 1.
            reach: characters in which it has to end.
        """
        low = int(self.offsets[document])
        ends = self.spans[low : self.offsets[document + 1], 1]
        count = int(np.searchsorted(ends, reach, side="right"))
        if not count:
            return None
        number = int(count * draw**2)
        if self.shares is not None:
            shares = self.shares[low : low + count].cumsum()
            number = min(int(np.searchsorted(shares, draw * shares[-1], side="right")), count - 1)
        start, end = self.spans[low + number].tolist()
        return start, end


def find_hiding(
    facts: FactIndex, words: Literal["all", "answers", "ranked"]
) -> tuple[Hiding, list[FitLine]]:
    """Find what is worth hiding in documents, and how well that is known.

    Args:
        facts: the documents, and the training questions; needed unless ``words`` is ``all``.
        words: see ``SpanCorruptionConfig.salient_words``.
    """
    documents, asked = facts.corpus.documents, facts.training.items if facts.training else ()
    if words == "ranked":
        finder = AnswerFinder.taught(facts, asked)
        found = [
            sorted((s.end, s.start, s.probability) for s in each) for each in finder.spans(MOST)
        ]
        flat = [span for each in found for span in each]
        spans = np.array([(start, end) for end, start, _ in flat], np.int64).reshape(-1, 2)
        shares = np.array([share for *_, share in flat], np.float64)
        subjects = np.array([passage.subject for passage in finder.passages], np.int64)
        hiding = _hiding(facts, subjects, list(map(len, found)), spans, shares)
        return hiding, hiding_that_fits(finder, asked)
    wanted = {question.answer for question in asked if question.answer}
    starts, lengths, offsets, ends = find_salient(documents, wanted if words == "answers" else ())
    subjects = np.stack([np.zeros_like(ends), np.maximum(ends - len(NAME_END), 0)], 1)
    spans, counts = np.stack([starts, starts + lengths], 1), np.diff(offsets).tolist()
    rarity = None
    if 2 * np.count_nonzero(counts) < len(documents):
        counts, spans, rarity = _rare_spans(documents, subjects)
    return _hiding(facts, subjects, counts, spans, rarity), []


def _hiding(
    facts: FactIndex,
    subjects: Ints,
    counts: Sequence[int],
    spans: Ints,
    shares: npt.NDArray[np.float64] | None,
) -> Hiding:
    documents, ends = facts.corpus.documents, subjects[:, 1].tolist()
    names = facts.corpus.names or [
        document[start:end]
        for document, (start, end) in zip(documents, subjects.tolist(), strict=True)
    ]
    bodies = [
        end and end + len(NAME_END) * document.startswith(NAME_END, end)
        for document, end in zip(documents, ends, strict=True)
    ]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Hiding(names, subjects, np.array(bodies, np.int64), offsets, spans, shares)


def _rare_spans(
    documents: Sequence[str], subjects: Ints
) -> tuple[list[int], Ints, npt.NDArray[np.float64]]:
    """Return how many, which, and their shares: words that few documents hold, in any script."""
    words = [[m.span() for m in WORD.finditer(document)] for document in documents]
    met = Counter(
        word
        for document, spans in zip(documents, words, strict=True)
        for word in {document[start:end] for start, end in spans}
    )
    counts, found, shares = [], [], []
    for document, spans, (_, name_end) in zip(documents, words, subjects.tolist(), strict=True):
        body = [(s, e) for s, e in spans if s >= name_end and document[s:e].isalnum()]
        rarest = sorted(body, key=lambda span: met[document[slice(*span)]])[:MOST]
        found += sorted(rarest)
        shares += [1 / met[document[start:end]] for start, end in sorted(rarest)]
        counts.append(len(rarest))
    return counts, np.array(found, np.int64).reshape(-1, 2), np.array(shares)
