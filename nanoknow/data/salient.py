"""Which stretches of a document are facts: names, places and years.

Hiding these, rather than random stretches, makes a model learn what closed-book questions ask
for (salient span masking: Guu et al., 2020, REALM; Roberts et al., 2020).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"\w+(?:['’-]\w+)*")
YEAR = re.compile(r"\d{3,4}")
NAME_END = ". "
SENTENCE_ENDS = {". ", "! ", "? "}
SHORT = 3
"""An abbreviation in a name has so many letters at most before its stop: ``J.``, ``Jr.``."""
_Places = npt.NDArray[np.int64]


def find_salient(
    documents: Sequence[str], wanted: Container[str] = ()
) -> tuple[_Places, _Places, _Places, _Places]:
    """Find the salient words of documents that each start with ``Name. ``.

    A word is salient if it is a year, or capitalised, not a common word, and not a part of the
    name that the document starts with. Capitalised ones with a space between them, such as ``New
    York``, count as one. A word is common if the documents have it in lower case at least as often
    as capitalised within a sentence: ``in``, ``singer``, but not ``England`` for one ``england``.

    Args:
        documents: the texts.
        wanted: words or several that count alone in documents that hold any of them.

    Returns:
        starts: (words,) where each begins in its document.
        lengths: (words,) in characters.
        offsets: (documents + 1,) the words of document i are those from offsets[i] to
            offsets[i + 1].
        name_lengths: (documents,) characters of ``Name. ``; 0 where a document has no name.
    """
    common = _common(documents)
    starts: list[int] = []
    lengths: list[int] = []
    offsets, name_lengths = [0], []
    for document in documents:
        name = subject(document)
        body = len(name) + len(NAME_END) if name else 0
        own = set(WORD.findall(document[:body]))
        joins = -1  # where a word that goes on with the name before it would begin
        spans: list[tuple[int, int]] = []
        for match in WORD.finditer(document, body):
            word = match.group()
            is_name = word[0].isupper() and word.lower() not in common and word not in own
            if is_name and match.start() == joins and document[joins - 1] == " ":
                spans[-1] = (spans[-1][0], match.end())
            elif is_name or YEAR.fullmatch(word):
                spans.append(match.span())
            joins = match.end() + 1 if is_name else -1
        spans = list(_only(wanted, document, spans)) or spans
        starts += [start for start, _ in spans]
        lengths += [end - start for start, end in spans]
        offsets.append(len(starts))
        name_lengths.append(body)
    return (
        np.array(starts, np.int64),
        np.array(lengths, np.int64),
        np.array(offsets, np.int64),
        np.array(name_lengths, np.int64),
    )


def _common(documents: Sequence[str]) -> set[str]:
    """Return the words that are more at home in lower case."""
    lower: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    for document in documents:
        for match in WORD.finditer(document):
            word, start = match.group(), match.start()
            if word[0].islower():
                lower[word] += 1
            elif start and document[start - 2 : start] not in SENTENCE_ENDS:
                capitalised[word.lower()] += 1
    return {word for word, count in lower.items() if count >= capitalised[word]}


def _only(
    wanted: Container[str], document: str, spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield the spans that are wanted, and of the others the parts that are."""
    for start, end in spans:
        if document[start:end] in wanted:
            yield start, end
        else:
            yield from parts_in(wanted, document, start, end)


def parts_in(
    wanted: Container[str], document: str, start: int, end: int
) -> Iterator[tuple[int, int]]:
    """Yield where a word, or several in a row, of a stretch of a document are wanted."""
    words = [match.span() for match in WORD.finditer(document, start, end)]
    for i, (first, _) in enumerate(words):
        for _, last in words[i:]:
            if document[first:last] in wanted:
                yield first, last


def subject(document: str) -> str:
    """Return the name that a document starts with: up to a stop that is no abbreviation's."""
    end = document.find(NAME_END)
    while end >= 0:
        last = document[:end].rpartition(" ")[2]
        following = document.find(NAME_END, end + 1)
        rest = document[end + len(NAME_END) :]
        repeated = rest.startswith(document[:end])
        if len(last) > SHORT or repeated or following < 0:
            return document[:end]
        end = following
    return ""
