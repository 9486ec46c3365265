"""Which stretches of a document are facts: names, places and years.

Hiding these, rather than random stretches, makes a model learn what closed-book questions ask
for (salient span masking: Guu et al., 2020, REALM; Roberts et al., 2020).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

WORD = re.compile(r"\w+(?:['’-]\w+)*")
YEAR = re.compile(r"\d{3,4}")
NAME_END = ". "
SENTENCE_ENDS = {". ", "! ", "? "}
SHORT = 3
"""An abbreviation in a name has so many letters at most before its stop: ``J.``, ``Jr.``."""
MOST_WORDS = 4
"""Words of a name after an abbreviation."""


def find_salient(
    documents: Sequence[str], wanted: Collection[str] = ()
) -> list[tuple[str, list[tuple[int, int]]]]:
    """Find the salient words of documents that each start with ``Name. ``.

    A word is salient if it is a year, or capitalised, not a common word, and not a part of the
    name that the document starts with. Capitalised ones with a space between them, such as ``New
    York``, count as one. A word is common if the documents have it in lower case, and at least as
    often as capitalised within a sentence: ``singer``, but not ``England`` for one ``england``.

    Args:
        documents: the texts.
        wanted: words or several that count alone in documents that hold any of them.

    Returns:
        The name of each document, empty where it has none, and where its salient words begin and
        end, in the order of their ends.
    """
    common, parts = _common(documents), Wanted(wanted)
    found = []
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
        found.append((name, list(parts.only(document, spans)) or spans))
    return found


def _common(documents: Sequence[str]) -> set[str]:
    """Return the words that are more at home in lower case."""
    lower: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    for document in documents:
        for match in WORD.finditer(document):
            word, start = match.group(), match.start()
            if word[0].islower():
                lower[word] += 1
            elif word[0].isupper() and start and document[start - 2 : start] not in SENTENCE_ENDS:
                capitalised[word.lower()] += 1
    return {word for word, count in lower.items() if count >= capitalised[word]}


class Wanted:
    """Words, or several in a row, to look for."""

    def __init__(self, words: Collection[str]) -> None:
        self.words = frozenset(words)
        self.longest = max(map(len, self.words), default=0)

    def only(self, document: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the spans of a document that are wanted, and of the others the parts that are."""
        for start, end in spans:
            if document[start:end] in self.words:
                yield start, end
            else:
                yield from self.parts(document, start, end)

    def parts(self, document: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield what is wanted within a stretch of a document, in the order of the ends."""
        begins: list[int] = []
        for match in WORD.finditer(document, start, end):
            begins.append(match.start())
            last = match.end()
            for first in reversed(begins):
                if last - first > self.longest:
                    break
                if document[first:last] in self.words:
                    yield first, last


def _is_name(text: str) -> bool:
    """Whether a text can be a name: few words, in lower case only short ones within it."""
    words = text.split()
    lower = [word for word in words if word.islower()]
    fits = 0 < len(words) <= MOST_WORDS and not words[-1].islower()
    return fits and all(len(word) <= SHORT for word in lower)


def subject(document: str) -> str:
    """Return the name that a document starts with: up to a stop that is no abbreviation's.

    A short word before a stop is one where the name may go on after it, up to the next stop.
    """
    end = document.find(NAME_END)
    while end >= 0:
        last = document[:end].rpartition(" ")[2]
        following = document.find(NAME_END, end + 1)
        rest = document[end + len(NAME_END) : max(0, following)]
        repeated = document.startswith(document[:end], end + len(NAME_END))
        if len(last) > SHORT or repeated or not _is_name(rest):
            return document[:end]
        end = following
    return ""
