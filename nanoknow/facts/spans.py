"""The spans of documents that could be answers, and what a ranker sees of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nanoknow.facts.words import WORD, find_whole, folded

Ints = npt.NDArray[np.int64]
BITS = 18
"""Features are numbered by hashing, below 2 to this power."""
NEAR, FAR = 3, 8
"""Neighbours up to the first are told apart by their distance, up to the second are not."""
MARK = 16
"""From here on, shapes of words are marks of punctuation."""
EDGE, RARE = 0, 1
"""Ids of what is outside a document, and of words that no lesson has twice."""


class Passage(NamedTuple):
    """A document, and the stretch of it that names its subject; an empty one where none does."""

    text: str
    subject: tuple[int, int]

    @classmethod
    def about(cls, text: str, name: str) -> Passage:
        """Return a document with the first stretch that is the name, if need be folded."""
        span = next(find_whole(name, text), None)
        if not span and (found := next(find_whole(folded(name), folded(text)), None)):
            ends = np.cumsum([len(folded(each)) for each in text])  # of two letters, such as of ß
            span = int(ends.searchsorted(found[0], "right")), int(ends.searchsorted(found[1])) + 1
        return cls(text, span or (0, 0))

    @property
    def name(self) -> str:
        """The name of the subject; empty where the document does not have it."""
        return self.text[slice(*self.subject)]


@dataclass(frozen=True)
class Words:
    """The words of some passages, back to back, with ``FAR`` empty ones around each passage.

    Attributes:
        texts: (words,) the words.
        passage: (words,) index of each one's passage; -1 between them.
        start, end: (words,) in characters of the passage.
        place: (words,) how many words after the end of the subject.
        shape: (words,) what kind of word, or which mark of punctuation.
    """

    texts: list[str]
    passage: Ints
    start: Ints
    end: Ints
    place: Ints
    shape: Ints

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> Words:
        """Find them."""
        texts, rows = [""] * FAR, [(-1, 0, 0, 0)] * FAR
        for i, (text, (_, subject_end)) in enumerate(passages):
            found = [(m.start(), m.end(), m.group()) for m in WORD.finditer(text)]
            n_before = sum(start < subject_end for start, _, _ in found)
            texts += [word for _, _, word in found] + [""] * FAR
            rows += [(i, start, end, n - n_before) for n, (start, end, _) in enumerate(found)]
            rows += [(-1, 0, 0, 0)] * FAR
        shapes = {word: shape_of(word) for word in set(texts)}
        passage, start, end, place = np.array(rows, np.int64).T
        return cls(texts, passage, start, end, place, np.array([shapes[word] for word in texts]))


class Spans(NamedTuple):
    """Spans of passages, in their order.

    Attributes:
        passage: (spans,) index.
        start, end: (spans,) in characters of the passage.
        first, last: (spans,) indices of its first and last word.
    """

    passage: Ints
    start: Ints
    end: Ints
    first: Ints
    last: Ints

    @classmethod
    def of(cls, words: Words, longest: int, reach: tuple[int, int], edges: frozenset[int]) -> Spans:
        """Find all that may be answers.

        Args:
            words: of the passages.
            longest: words of a span at most.
            reach: words after the subject at which a span begins, the least and the most.
            edges: shapes of punctuation that a span may begin or end with.
        """
        inside = words.passage >= 0
        plain = inside & ((words.shape < MARK) | np.isin(words.shape, list(edges)))
        begin = np.flatnonzero(plain & (words.place >= reach[0]) & (words.place <= reach[1]))
        found = []
        for n in range(longest):
            begin = begin[words.passage[np.minimum(begin + n, len(inside) - 1)] >= 0]
            ends = begin[plain[begin + n]]
            found.append(np.stack([ends, ends + n]))
        first, last = np.concatenate(found, 1)
        order = np.lexsort((last, first))
        first, last = first[order], last[order]
        return cls(words.passage[first], words.start[first], words.end[last], first, last)


def features(words: Words, ids: Ints, spans: Spans, known: Ints, rate: Ints) -> list[Ints]:
    """Return the numbers of the features of spans; those of a side are shared by spans of it.

    Args:
        words: of the passages.
        ids: (words,) the word's number for a ranker.
        spans: of the passages.
        known: (spans,) how many other training questions have it for an answer.
        rate: (spans,) how often it is the answer where it occurs, in steps.

    Returns:
        (sides, features) of what comes before spans, and (spans,) the row of each there; the same
        of what follows them; and (spans, features) of each span itself.
    """
    kinds = itertools.count()
    before, before_row = _side(-1, words, ids, spans.first, kinds.__next__)
    after, after_row = _side(1, words, ids, spans.last, kinds.__next__)
    first, last, shape = spans.first, spans.last, words.shape
    size, often = last - first, _bucket(known)
    n_known = np.zeros(len(ids) + 1, np.int64)
    np.add.at(n_known, first[known > 0] + 1, 1)
    n_known = n_known.cumsum()
    heads = np.searchsorted(np.maximum.accumulate(words.passage), spans.passage)
    earlier = np.minimum(n_known[first] - n_known[heads], 3)
    left, right = ids[first - 1], ids[last + 1]
    within = words.place[first] < 0
    own = [
        (size,), (shape[first], shape[last], size), (often,), (often, earlier), (within,),
        (shape[first - 1], shape[first]), (shape[last], shape[last + 1]), (left, right),
        (left, shape[first]), (left, size), (right, size), (often, shape[first]),
        (left, often), (rate,), (rate, often), (rate, earlier),
    ]  # fmt: skip
    numbers = np.stack([_hashed(next(kinds), *each) for each in own], 1)
    return [before, before_row, after, after_row, numbers]


def _side(
    sign: int, words: Words, ids: Ints, ends: Ints, kind: Callable[[], int]
) -> tuple[Ints, Ints]:
    """Return the features of one side of spans, and each span's row of them."""
    used, row = np.unique(ends, return_inverse=True)
    near = [ids[used + sign * step] for step in range(1, NEAR + 1)]
    far = [ids[used + sign * step] for step in range(NEAR - 1, FAR + 1)]
    features = [_hashed(kind(), each) for each in near]
    features += [_hashed(kind(), *near[: n + 1]) for n in range(1, NEAR)]
    alone, pair = kind(), kind()
    features += [_hashed(alone, each) for each in far]
    features += [_hashed(pair, near[0], each) for each in far]
    features.append(_hashed(kind(), words.shape[used + sign]))
    if sign < 0:
        features.append(_hashed(kind(), _bucket(words.place[used])))
    return np.stack(features, 1), row


def shape_of(word: str) -> int:
    """Return what kind of word it is; of punctuation, which mark."""
    if not word:
        return 0
    if word.isdigit():
        return 1
    if len(word) == 1 and not word.isalnum():
        return MARK + ord(word)
    if any(c.isdigit() for c in word):
        return 2
    if word.islower():
        return 3
    if word.isupper() and len(word) > 1:
        return 4
    if word[0].isupper():
        return 5 if len(word) > 1 else 6
    return 7 if len(word) == 1 else 8


def _bucket(values: Ints) -> Ints:
    """Return small numbers as they are, larger ones by half powers of 2."""
    size = np.abs(values)
    large = 100 + np.floor(2 * np.log2(np.maximum(size, 1))).astype(np.int64)
    return np.where(size < 6, values, np.sign(values) * large)


def _hashed(kind: int, *parts: npt.NDArray[np.generic]) -> Ints:
    """Return a number below 2 ** ``BITS`` for a kind of feature and its values."""
    mixed = np.full(len(parts[0]), kind + 1, np.uint64)
    for part in parts:
        mixed = (mixed ^ part.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)  # as SplitMix64 does
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)
