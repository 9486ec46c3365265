"""What is worth hiding in each document, and where its subject is named."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from nanoknow.facts.index import FactIndex
from nanoknow.facts.ranker import RankedSpan
from nanoknow.facts.salient import NAME_END, find_salient
from nanoknow.facts.words import WORD

MOST = 6
"""Spans of a document that are hidden, the most probable or the rarest ones."""
POWER = 3
"""Of probabilities: a model that is asked says the likeliest answer, and has to learn that one."""


class Hiding(NamedTuple):
    """The spans of a document that are worth hiding, and the name of its subject.

    Attributes:
        name: of its subject; empty where it has none.
        subject: start and end of the name in the document; the same where it is not there.
        body: where the document goes on after a name that it begins with.
        ends: of the spans, ascending.
        starts: of the spans.
        shares: sums of how often to hide each and those before it; None for early ones more often
            than late ones.
    """

    name: str
    subject: tuple[int, int]
    body: int
    ends: Sequence[int]
    starts: Sequence[int]
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
        """Put together what is known of a document, its spans by ascending end."""
        end = subject[1]
        body = end and end + len(NAME_END) * document.startswith(NAME_END, end)
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        return cls(name, subject, body, ends, starts, shares and list(accumulate(shares)))

    def choose(self, draw: float, reach: int) -> tuple[int, int] | None:
        """Return a span; None where there is none.

        Args:
            draw: uniform from 0 to 1.
            reach: characters in which it has to end.
        """
        count = bisect_right(self.ends, reach)
        if not count:
            return None
        number = int(count * draw**2)
        if self.shares is not None:
            drawn = draw * self.shares[count - 1]
            number = min(bisect_right(self.shares, drawn, 0, count), count - 1)
        return self.starts[number], self.ends[number]


def find_hiding(facts: FactIndex, words: Literal["all", "answers", "ranked"]) -> list[Hiding]:
    """Find what is worth hiding in each document.

    Args:
        facts: the documents, and the training questions; needed unless ``words`` is ``all``.
        words: see ``SpanCorruptionConfig.salient_words``.
    """
    documents = facts.corpus.documents
    if words == "ranked":
        found = []
        known = zip(facts.passages, facts.names, facts.finder.spans(MOST), strict=True)
        for passage, name, ranked in known:
            by_end = sorted(sharpened(ranked))
            spans, shares = [(start, end) for end, start, _ in by_end], [p for *_, p in by_end]
            found.append(Hiding.of(passage.text, name, passage.subject, spans, shares))
        return found
    asked = facts.questions if words == "answers" else ()
    salient = find_salient(documents, {question.answer for question in asked if question.answer})
    names = facts.corpus.names or [name for name, _ in salient]
    subjects = [(0, len(name)) for name, _ in salient]
    every = zip(documents, names, subjects, strict=True)
    if 2 * sum(bool(spans) for _, spans in salient) < len(documents):
        rare = _rare_spans(documents, subjects)
        return [Hiding.of(*each, *found) for each, found in zip(every, rare, strict=True)]
    return [Hiding.of(*each, spans) for each, (_, spans) in zip(every, salient, strict=True)]


def sharpened(ranked: Sequence[RankedSpan]) -> Iterator[tuple[int, int, float]]:
    """Yield end, start and share of spans: each form of question keeps its own share of all."""
    sums: dict[int, tuple[float, float]] = {}
    for each in ranked:
        one, powers = sums.get(each.form, (0.0, 0.0))
        sums[each.form] = one + each.probability, powers + each.probability**POWER
    for each in ranked:
        one, powers = sums[each.form]
        yield each.end, each.start, one * each.probability**POWER / (powers or 1.0)


def _rare_spans(
    documents: Sequence[str], subjects: Sequence[tuple[int, int]]
) -> list[tuple[list[tuple[int, int]], list[float]]]:
    """Return the words of each document that few others hold, in any script, and their shares."""
    words = [[m.span() for m in WORD.finditer(document)] for document in documents]
    met = Counter(
        word
        for document, spans in zip(documents, words, strict=True)
        for word in {document[start:end] for start, end in spans}
    )
    found = []
    for document, spans, (_, name_end) in zip(documents, words, subjects, strict=True):
        body = [(s, e) for s, e in spans if s >= name_end and document[s:e].isalnum()]
        rarest = sorted(sorted(body, key=lambda span: met[document[slice(*span)]])[:MOST])
        found.append((rarest, [1 / met[document[start:end]] for start, end in rarest]))
    return found
