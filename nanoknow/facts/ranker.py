"""Rank the spans of a document as answers to questions, as learned from training questions.

A log-linear model over all spans of a document, fitted to documents whose answer is known. Its
features are a span's neighbours, its position, its shape and how often it answers other training
questions, but not its letters; so it also finds answers that it has never seen, in any script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nanoknow.facts.spans import BITS, EDGE, MARK, RARE, Passage, Spans, Words, features, shape_of
from nanoknow.facts.words import WORD, find_whole

STEPS, RATE, DECAY = 80, 0.03, 5e-4
MOST_WORDS = 128
FOLDS = 5
"""Folds of lessons: answers are counted without a lesson's own fold, so as not to count itself."""
PART = 2000
"""Passages ranked at a time, which bounds memory."""
OUTLIERS = 0.01
"""Share of the lessons' answers that may lie too far from the subject, or be too long, to find."""
MOST_READ = 1_000_000
"""Characters of the lessons' documents, repeats counted; beyond, only every nth lesson is used."""


class Lesson(NamedTuple):
    """A training example: a document, the form of a question about it, and the accepted answers."""

    passage: Passage
    form: int
    answers: tuple[str, ...]


class RankedSpan(NamedTuple):
    """A span and a form of question: the probability of this pair among all of the document."""

    start: int
    end: int
    form: int
    probability: float


@dataclass(frozen=True)
class Ranker:
    """Scores the spans of documents.

    Attributes:
        weights: (forms, 2 ** BITS), one for each form and hashed feature.
        ids: ids of the words that occur more than once in the lessons.
        counts: how many lessons accept each answer.
        met: how many lessons have a document that holds it.
        longest, reach, edges: see ``Spans.of``.
    """

    weights: Tensor
    ids: Mapping[str, int]
    counts: Counter[str]
    met: Counter[str]
    longest: int
    reach: tuple[int, int]
    edges: frozenset[int]

    @classmethod
    def taught(cls, lessons: Sequence[Lesson]) -> Ranker | None:
        """Fit a ranker to documents whose answers are known.

        Returns:
            The ranker; None if no document holds its answer.
        """
        lessons = lessons[:: 1 + sum(len(each.passage.text) for each in lessons) // MOST_READ]
        places = [list(_places(lesson)) for lesson in lessons]
        lessons = [lesson for lesson, found in zip(lessons, places, strict=True) if found]
        if not lessons:
            return None
        place, size, *ends = np.array([each for found in places for each in found]).T
        texts = Counter(m.group() for each in lessons for m in WORD.finditer(each.passage.text))
        frequent = (word for word, n in texts.items() if n > 1)
        low, high = np.quantile(place, (OUTLIERS / 2, 1 - OUTLIERS / 2)).tolist()
        margin = 1 + int(high - low) // 2
        ranker = cls(
            weights=torch.zeros(1 + max(lesson.form for lesson in lessons), 2**BITS),
            ids={word: i for i, word in enumerate(frequent, RARE + 1)},
            counts=Counter(answer for lesson in lessons for answer in lesson.answers),
            met=Counter(),
            longest=min(MOST_WORDS, int(np.quantile(size, 1 - OUTLIERS)) + 1),
            reach=(int(low) - margin, int(high) + margin),
            edges=frozenset(shape for shape in np.concatenate(ends).tolist() if shape >= MARK),
        )
        ranker._learn(lessons)
        return ranker

    def _learn(self, lessons: Sequence[Lesson]) -> None:
        """Fit the weights by Adam: maximise the total probability of each passage's right spans."""
        found = _Candidates.of(self, [lesson.passage for lesson in lessons], lessons)
        forms = torch.tensor([lesson.form for lesson in lessons])
        # (forms, spans): whether the span's passage is asked a question of this form.
        asked = forms[found.passage] == torch.arange(len(self.weights))[:, None]
        wrong = ~(asked & found.right)
        # Only weights of features that occur in the lessons: Adam updates all that it is given.
        occurs = torch.zeros(2**BITS, dtype=torch.bool)
        for part in found.features[::2]:
            occurs[part] = True
        used, number = occurs.nonzero().flatten(), occurs.cumsum(0) - 1
        found.features[::2] = [number[part] for part in found.features[::2]]
        weights = self.weights[:, used].requires_grad_()
        optimizer = torch.optim.Adam([weights], betas=(0.9, 0.99))
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
            optimizer.zero_grad()
            shares = found.log_probabilities(weights).masked_fill(wrong, -torch.inf)
            loss = -found.totals(shares).mean() + DECAY * weights.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        self.weights[:, used] = weights.detach()

    def rank(self, passages: Sequence[Passage], most: int) -> list[list[RankedSpan]]:
        """Return the ``most`` most probable spans of each passage, the best first."""
        parts = (passages[i : i + PART] for i in range(0, len(passages), PART))
        return [spans for part in parts for spans in self._rank(part, most)]

    def _rank(self, passages: Sequence[Passage], most: int) -> list[list[RankedSpan]]:
        found = _Candidates.of(self, passages)
        result: list[list[RankedSpan]] = [[] for _ in passages]
        if not len(found.spans.start):
            return result
        shares = found.log_probabilities(self.weights).exp().numpy()  # (forms, spans)
        passage = np.tile(found.spans.passage, len(shares))
        flat = shares.reshape(-1)
        order = np.lexsort((-flat, passage))
        rank = np.arange(len(order)) - np.searchsorted(passage[order], passage[order])
        for i in order[rank < most].tolist():
            form, span = divmod(i, shares.shape[1])
            start, end = int(found.spans.start[span]), int(found.spans.end[span])
            result[passage[i]].append(RankedSpan(start, end, form, float(flat[i])))
        return result


@dataclass(frozen=True)
class _Candidates:
    """The spans of passages and their features; ``right`` is all False without lessons."""

    spans: Spans
    passage: Tensor
    features: list[Tensor]
    right: Tensor

    @classmethod
    def of(
        cls, ranker: Ranker, passages: Sequence[Passage], lessons: Sequence[Lesson] = ()
    ) -> _Candidates:
        """Find the spans of passages; with lessons, one for each, also count ``ranker.met``."""
        words = Words.of(passages)
        spans = Spans.of(words, ranker.longest, ranker.reach, ranker.edges)
        texts = list(_known_texts(ranker, words, spans, passages))
        known, rate, right = np.zeros((3, len(spans.start)), np.int64)
        folds: dict[str, int] = {}
        fold = [folds.setdefault(p.text, len(folds)) % FOLDS if lessons else 0 for p in passages]
        counts, met = [ranker.counts], [ranker.met]
        if lessons:
            held = {(int(spans.passage[i]), text) for i, text in texts}
            ranker.met.update(text for _, text in held)
            own: list[Counter[str]] = [Counter() for _ in range(FOLDS)]
            for k, lesson in zip(fold, lessons, strict=True):
                own[k].update(lesson.answers)
            counts = [ranker.counts - each for each in own]
            met = [ranker.met - Counter(t for i, t in held if fold[i] == k) for k in range(FOLDS)]
        for i, text in texts:
            passage = int(spans.passage[i])
            known[i], n = (each[fold[passage]][text] for each in (counts, met))
            rate[i] = 1 + round(6 * min(1.0, known[i] / n)) if n else 0
            right[i] = bool(lessons) and text in lessons[passage].answers
        # An answer within the subject's name is right only if it occurs nowhere else.
        subject = np.array([p.subject for p in passages]).reshape(-1, 2)[spans.passage]
        outside = (right == 1) & ((spans.start >= subject[:, 1]) | (spans.end <= subject[:, 0]))
        has_outside = np.zeros(len(passages), np.bool_)
        has_outside[spans.passage[outside]] = True
        right = np.where(has_outside[spans.passage], outside, right == 1)
        ids = np.array([ranker.ids.get(w, RARE) if w else EDGE for w in words.texts], np.int64)
        return cls(
            spans,
            torch.from_numpy(spans.passage),
            [*map(torch.from_numpy, features(words, ids, spans, known, rate))],
            torch.from_numpy(right),
        )

    def log_probabilities(self, weights: Tensor) -> Tensor:
        """Return (forms, spans) log probabilities, normalised over all pairs of a passage."""
        before, before_row, after, after_row, own = self.features
        sides = [_sums(weights, part) for part in (before, after, own)]
        scores = sides[0][:, before_row] + sides[1][:, after_row] + sides[2]
        return scores - self.totals(scores)[self.passage]

    def totals(self, scores: Tensor) -> Tensor:
        """Return the (passages,) log-sum-exp of (forms, spans) scores, but no less than -70.

        So it is finite even where all scores of a passage are -inf.
        """
        n = int(self.passage[-1]) + 1
        best = scores.detach().max(0).values
        top = best.new_full((n,), -torch.inf).scatter_reduce(0, self.passage, best, "amax")
        top = top.clamp(min=-1e4)
        parts = (scores - top[self.passage]).exp().sum(0)  # (spans,)
        sums = parts.new_zeros(n).index_add(0, self.passage, parts)
        return (top + sums.clamp(min=1e-30).log()).clamp(min=-70.0)


def _sums(weights: Tensor, features: Tensor) -> Tensor:
    """Return the (forms, rows) sums of the weights of (rows, features)."""
    return weights.index_select(1, features.flatten()).view(-1, *features.shape).sum(-1)


def _known_texts(
    ranker: Ranker, words: Words, spans: Spans, passages: Sequence[Passage]
) -> Iterator[tuple[int, str]]:
    """Yield the index and the text of each span that is the answer of some lesson."""
    heads = {found.group() for found in map(WORD.match, ranker.counts) if found}
    is_head = np.array([word in heads for word in words.texts])
    for i in np.flatnonzero(is_head[spans.first]).tolist():
        text = passages[spans.passage[i]].text[spans.start[i] : spans.end[i]]
        if text in ranker.counts:
            yield i, text


def _places(lesson: Lesson) -> Iterator[tuple[int, int, int, int]]:
    """Yield each answer's distance from the subject and length, in words, and end shapes."""
    text, (name, name_end) = lesson.passage
    found = [span for answer in lesson.answers for span in find_whole(answer, text)]
    words = list(WORD.finditer(text))
    n_before = sum(m.start() < name_end for m in words)
    starts = {m.start(): i for i, m in enumerate(words)}
    ends = {m.end(): i for i, m in enumerate(words)}
    outside = [(start, end) for start, end in found if end <= name or start >= name_end]
    for start, end in outside or found:
        if start in starts and end in ends:
            first, last = starts[start], ends[end]
            head, tail = (shape_of(words[i].group()) for i in (first, last))
            yield first - n_before, last - first + 1, head, tail
