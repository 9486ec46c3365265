"""Find the spans of each document that are worth hiding, and where it names its subject."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Literal, NamedTuple

from nanoknow.facts.index import FactIndex
from nanoknow.facts.ranker import RankedSpan
from nanoknow.facts.salient import NAME_END, find_salient
from nanoknow.facts.words import WORD

MOST = 6
"""Most spans of a document to hide: the most probable or the rarest ones."""
POWER = 3
"""Exponent of probabilities: asked, a model gives the likeliest answer, so it has to learn that."""

Chosen = tuple[Sequence[tuple[int, int]], Sequence[float] | None]
"""Spans (start, end) of a document by ascending end, and how often to hide each; see ``Hiding``."""


class Hiding(NamedTuple):
    """The spans of a document that are worth hiding, and the name of its subject.

    Attributes:
        name: the subject's name; empty if there is none.
        subject: (start, end) of the name in the document; equal if it is not there.
        body: where the document goes on after the name and its full stop; 0 without a name in it.
        spans: (start, end) of each span, by ascending end.
        shares: cumulative shares of how often to hide each; None to hide early ones more often
            than late ones.
    """

    name: str
    subject: tuple[int, int]
    body: int
    spans: Sequence[tuple[int, int]]
    shares: Sequence[float] | None

    @classmethod
    def of(
        cls,
        document: str,
        name: str,
        subject: tuple[int, int],
        spans: Sequence[tuple[int, int]],
        shares: Sequence[float] | None = None,
    ) -> "Hiding":
        """Make one from spans by ascending end, and from shares that are not yet cumulative."""
        end = subject[1]
        body = end and end + len(NAME_END) * document.startswith(NAME_END, end)
        return cls(name, subject, body, spans, shares and list(accumulate(shares)))

    def choose(self, draw: float, reach: int) -> tuple[int, int] | None:
        """Choose a span to hide; None if there is none.

        Args:
            draw: a random number, uniform from 0 to 1.
            reach: leading characters of the document in which the span has to end.
        """
        count = bisect_right(self.spans, reach, key=itemgetter(1))
        if not count:
            return None
        number = int(count * draw**2)
        if self.shares is not None:
            drawn = draw * self.shares[count - 1]
            number = min(bisect_right(self.shares, drawn, 0, count), count - 1)
        return self.spans[number]


def find_hiding(facts: FactIndex, words: Literal["all", "answers", "ranked"]) -> list[Hiding]:
    """Find what is worth hiding in each document.

    Args:
        facts: the documents and the training questions, which ``words`` other than ``all`` need.
        words: see ``SpanCorruptionConfig.salient_words``.
    """
    documents = facts.corpus.documents
    chosen: list[Chosen]
    if words == "ranked":
        names, subjects = facts.names, [passage.subject for passage in facts.passages]
        ranked = (sorted(sharpened(spans)) for spans in facts.finder.spans(MOST))
        chosen = [([(start, end) for end, start, _ in r], [p for *_, p in r]) for r in ranked]
    else:
        asked = facts.questions if words == "answers" else ()
        salient = find_salient(documents, {q.answer for q in asked if q.answer})
        names = facts.corpus.names or [name for name, _ in salient]
        subjects = [(0, len(name)) for name, _ in salient]
        chosen = [(spans, None) for _, spans in salient]
        if 2 * sum(bool(spans) for spans, _ in chosen) < sum(map(bool, documents)):
            chosen = _rare_spans(documents, subjects)
    every = zip(documents, names, subjects, chosen, strict=True)
    return [Hiding.of(document, name, subject, *found) for document, name, subject, found in every]


def sharpened(ranked: Sequence[RankedSpan]) -> Iterator[tuple[int, int, float]]:
    """Yield end, start and share of spans, probabilities raised to ``POWER``.

    They are rescaled so that each form of question keeps its total.
    """
    sums: dict[int, tuple[float, float]] = {}
    for each in ranked:
        one, powers = sums.get(each.form, (0.0, 0.0))
        sums[each.form] = one + each.probability, powers + each.probability**POWER
    for each in ranked:
        one, powers = sums[each.form]
        yield each.end, each.start, one * each.probability**POWER / (powers or 1.0)


def _rare_spans(documents: Sequence[str], subjects: Sequence[tuple[int, int]]) -> list[Chosen]:
    """Return the words of each document that the fewest documents hold, and their shares."""
    met = Counter(word for document in documents for word in {*WORD.findall(document)})
    found: list[Chosen] = []
    for document, (_, name_end) in zip(documents, subjects, strict=True):
        words = [m for m in WORD.finditer(document) if m.start() >= name_end]
        body = [m for m in words if m.group().isalnum()]
        rarest = sorted(sorted(body, key=lambda m: met[m.group()])[:MOST], key=re.Match.start)
        found.append(([m.span() for m in rarest], [1 / met[m.group()] for m in rarest]))
    return found
