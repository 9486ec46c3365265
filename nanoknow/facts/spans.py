"""Find the spans of documents that could be answers, and compute their features for a ranker."""

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
"""Bits of a hashed feature: a ranker has 2 ** BITS weights for each form of question."""
NEAR, FAR = 3, 8
"""Words on each side of a span: features tell the distance of the nearest, not of the others."""
MARK = 16
"""A punctuation mark's shape is its code point plus this; shapes below are kinds of words."""
EDGE, RARE = 0, 1
"""Ids of what is outside a document, and of words that the lessons have at most once."""


class Passage(NamedTuple):
    """A document and the (start, end) of its subject's name in it; (0, 0) if it is not there."""

    text: str
    subject: tuple[int, int]

    @classmethod
    def about(cls, text: str, name: str) -> Passage:
        """Return a document with the first span that is the name or, if none is, ``folded`` is."""
        span = next(find_whole(name, text), None)
        if not span and (found := next(find_whole(folded(name), folded(text)), None)):
            ends = np.cumsum([len(folded(each)) for each in text])  # ß folds to two letters
            span = int(ends.searchsorted(found[0], "right")), int(ends.searchsorted(found[1])) + 1
        return cls(text, span or (0, 0))

    @property
    def name(self) -> str:
        """The subject's name as the document spells it; empty if it is not there."""
        return self.text[slice(*self.subject)]


@dataclass(frozen=True)
class Words:
    """The words of some passages, back to back, with ``FAR`` empty ones around each passage.

    Attributes:
        texts: (words,) the words.
        passage: (words,) index of each word's passage; -1 for the empty ones.
        start, end: (words,) in characters of the passage.
        place: (words,) words between the subject and this one; negative within or before it.
        shape: (words,) see ``shape_of``.
    """

    texts: list[str]
    passage: Ints
    start: Ints
    end: Ints
    place: Ints
    shape: Ints

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> Words:
        """Split passages into words."""
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
        passage: (spans,) index of the passage.
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
        """Find all spans that may be answers.

        Args:
            words: the words of the passages.
            longest: most words of a span.
            reach: least and most ``Words.place`` at which a span begins.
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
    """Return the hashed features of spans; spans that begin, or end, at one word share a row.

    Args:
        words: the words of the passages.
        ids: (words,) each word's id for a ranker.
        spans: the spans of the passages.
        known: (spans,) how many other training questions have the span as an answer.
        rate: (spans,) how often it is the answer where it occurs, in steps.

    Returns:
        (rows, features) of what precedes spans, and (spans,) the row of each span; the same for
        what follows them; and (spans, features) of the spans themselves.
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
    """Return (rows, features) of what precedes (sign -1) or follows spans, and each span's row."""
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
    """Return the kind of a word, by case and digits; of punctuation, which mark it is."""
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
    """Return numbers below 6 as they are, larger ones in buckets of half powers of 2."""
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
